/** @file Starts the page. */
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import { App } from './app.js';
import { begin } from './navigation.js';
import './style.css';

render(<App />, document.body);
begin();
