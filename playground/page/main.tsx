/** @file Starts the page. */
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import { App } from './app.js';
import { begin } from './navigation.js';
import './style.css';

// A browser would leave the page for a file that is dropped on it, also where nothing takes it yet.
for (const type of ['dragover', 'drop']) {
  addEventListener(
    type,
    (event) => {
      event.preventDefault();
    },
    { capture: true },
  );
}
render(<App />, document.body);
begin();
