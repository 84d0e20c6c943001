/** @file What the page lets neither in nor out, whatever it is given: cases of page.test.ts, which brings the browser. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContextOptions } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Playground } from './browser.js';

/** Another site, and what it was asked for. */
async function elsewhere(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url!);
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

/** Ways to have a script run or a request leave, for one who got markup into the page. */
const MARKUP: Readonly<
  Record<string, { readonly html: (url: string) => string; readonly refusedBy: string | null }>
> = {
  'an attribute with a script': { html: () => '<b onclick="ran = true">', refusedBy: 'script-src-attr' },
  'an image that fails': {
    html: () => '<img src="data:," onerror="ran = true">',
    refusedBy: 'script-src-attr',
  },
  'an address with a script': {
    html: () => '<a href="javascript:ran = true">',
    refusedBy: 'script-src-elem',
  },
  'an image': { html: (url) => `<img src="${url}">`, refusedBy: 'img-src' },
  'a frame': { html: (url) => `<iframe src="${url}"></iframe>`, refusedBy: 'frame-src' },
  'a frame with a script': {
    html: () => '<iframe srcdoc="<script>parent.ran = true</script>"></iframe>',
    // Told to the frame's own document.
    refusedBy: null,
  },
  'a style sheet': { html: (url) => `<link rel="stylesheet" href="${url}">`, refusedBy: 'style-src-elem' },
  'a style': { html: () => '<style>b { color: red }</style>', refusedBy: 'style-src-elem' },
  'a style as attribute': { html: () => '<b style="color: red">', refusedBy: 'style-src-attr' },
  'an object': { html: (url) => `<object data="${url}"></object>`, refusedBy: 'object-src' },
  'a video': { html: (url) => `<video src="${url}"></video>`, refusedBy: 'media-src' },
  'a form': { html: (url) => `<form action="${url}"><button></button></form>`, refusedBy: 'form-action' },
  'another base': { html: (url) => `<base href="${url}">`, refusedBy: 'base-uri' },
};

/** The same for one who got a script to run. */
const SCRIPTS: Readonly<Record<string, { readonly run: string; readonly refusedBy: string }>> = {
  'code from text': { run: 'eval("ran = true")', refusedBy: 'script-src' },
  'a function from text': { run: 'new Function("ran = true")()', refusedBy: 'script-src' },
  'a script from elsewhere': { run: 'return import(url)', refusedBy: 'script-src-elem' },
  'a script in its address': {
    run: 'return import("data:text/javascript,ran = true")',
    refusedBy: 'script-src-elem',
  },
  'a request': { run: 'return fetch(url)', refusedBy: 'connect-src' },
  'a request of the old kind': {
    run: 'const r = new XMLHttpRequest(); r.open("GET", url); r.send()',
    refusedBy: 'connect-src',
  },
  'a socket': { run: 'new WebSocket(url.replace("http", "ws"))', refusedBy: 'connect-src' },
  'a stream of events': { run: 'new EventSource(url)', refusedBy: 'connect-src' },
};

/** A program that runs `script`, and tells whether what it smuggles in ran, and which directives refused. */
const attempting = (script: string, url: string): string => `new Promise((resolve) => {
  const refusedBy = [];
  const listen = ({ effectiveDirective }) => refusedBy.push(effectiveDirective);
  globalThis.addEventListener('securitypolicyviolation', listen);
  globalThis.ran = false;
  const url = ${JSON.stringify(url)};
  // Later, since what a test has evaluated may evaluate text whatever the policy says.
  setTimeout(async () => {
    try {
      await (() => { ${script} })();
    } catch {}
  });
  setTimeout(() => {
    globalThis.removeEventListener('securitypolicyviolation', listen);
    resolve({ ran: globalThis.ran, refusedBy });
  }, 300);
})`;

interface Outcome {
  readonly ran: boolean;
  readonly refusedBy: readonly string[];
}

/** @param openPage opens the page, for quick training unless an address is given */
export function safetyCases(
  openPage: (hash?: string, options?: BrowserContextOptions) => Promise<Playground>,
): void {
  describe('its policy', () => {
    const check = async (
      playground: Playground,
      context: { evaluate: (script: string) => Promise<unknown> },
      attempts: readonly (readonly [name: string, script: string, refusedBy: string | null])[],
    ) => {
      const site = await elsewhere();
      for (const [name, script, refusedBy] of attempts) {
        const outcome = (await context.evaluate(attempting(script, site.url))) as Outcome;
        expect({ name, ran: outcome.ran }).toEqual({ name, ran: false });
        if (refusedBy !== null) expect(outcome.refusedBy, name).toContain(refusedBy);
      }
      expect(site.asked).toEqual([]);
      // So every other test fails where the policy refuses what the page or a worker itself does.
      expect(playground.takeComplaints()).not.toEqual([]);
    };

    test('lets no markup run a script or send a request', async () => {
      const playground = await openPage();
      await check(
        playground,
        playground.page,
        Object.entries(MARKUP).map(([name, { html, refusedBy }]) => [
          name,
          `const host = document.createElement('div');
          host.innerHTML = ${JSON.stringify(html('URL'))}.replaceAll('URL', url);
          document.body.append(host);
          host.firstChild.click?.();
          host.querySelector('button')?.click();`,
          refusedBy,
        ]),
      );
      await check(playground, playground.page, [
        [
          'a script element',
          `const script = document.createElement('script');
          script.textContent = 'ran = true';
          document.body.append(script);`,
          'script-src-elem',
        ],
      ]);
    });

    test('lets no script fetch another or send a request, in the page and in its workers', async () => {
      const playground = await openPage();
      const { page } = playground;
      await playground.press('Doctor');
      await playground.until(() => Promise.resolve(page.workers().length === 2));
      const attempts = Object.entries(SCRIPTS).map(
        ([name, { run, refusedBy }]) => [name, run, refusedBy] as const,
      );
      for (const context of [page, ...page.workers()]) await check(playground, context, attempts);
    });
  });
}
