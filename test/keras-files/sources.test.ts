/** @file Where a model may come from: addresses, responses, streams, lists; what is fetched, and what is said when it fails. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { ValueError } from 'evenkeel';
import { type KerasSource, checkKerasModel, loadKerasModel } from 'evenkeel/keras';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { TOLERANCE, modelNamed, predictionError, readModel } from './golden.js';
import { savedByTensorFlow } from './saved-by-tensorflow.js';

const golden = modelNamed('tf-keras-mlp-renorm.h5');
const bytes = Uint8Array.from(readModel(golden));
const text = new TextEncoder();

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const answers = new Map<string, Answer>();
const send =
  (content: Uint8Array, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-length': String(content.length), ...headers }).end(content);
  };

let server: Server;
let base = '';
let asked: string[] = [];

beforeAll(async () => {
  await tf.setBackend('cpu');
  server = createServer((request, response) => {
    asked.push(request.url!);
    const answer = answers.get(request.url!);
    if (answer) answer(request, response);
    else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answers.set('/model.h5', send(bytes));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

async function expectLoads(source: KerasSource): Promise<void> {
  const model = await loadKerasModel(source);
  expect(predictionError(model, golden)).toBeLessThanOrEqual(TOLERANCE);
  model.dispose();
}

async function refusal(source: KerasSource): Promise<string> {
  const before = tf.memory().numTensors;
  const error: unknown = await loadKerasModel(source).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ValueError);
  expect(tf.memory().numTensors).toBe(before);
  return (error as ValueError).message;
}

describe('an address', () => {
  test('as a string, as a URL, as a Response', async () => {
    await expectLoads(`${base}/model.h5`);
    await expectLoads(new URL(`${base}/model.h5`));
    await expectLoads(await fetch(`${base}/model.h5`));
    expect(asked).toEqual(['/model.h5', '/model.h5', '/model.h5']);
  });

  test('of a file, in Node', async () => {
    const path = join(tmpdir(), `evenkeel ${process.pid} %41.h5`);
    writeFileSync(path, bytes);
    await expectLoads(pathToFileURL(path));
    await expectLoads(pathToFileURL(path).href);
  });

  test('is followed where it leads elsewhere', async () => {
    answers.set('/moved', (_, response) => response.writeHead(302, { location: '/model.h5' }).end());
    await expectLoads(`${base}/moved`);
  });

  test('brings the shards beside it, with what it is signed with', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
    for (const { name, bytes: content } of await savedByTensorFlow(model)) {
      answers.set(`/web/${name}?key=1`, send(content as Uint8Array));
    }
    const loaded = await loadKerasModel(`${base}/web/model.json?key=1`);
    const response = await loadKerasModel(await fetch(`${base}/web/model.json?key=1`));
    const x = tf.randomNormal([2, 4]);
    const [want, ...got] = [model, loaded, response].map((one) => (one.predict(x) as tf.Tensor).dataSync());
    for (const one of got) expect([...one]).toEqual([...want!]);
    expect(asked.slice(0, 3).sort()).toEqual([
      '/web/group1-shard1of2.bin?key=1',
      '/web/group1-shard2of2.bin?key=1',
      '/web/model.json?key=1',
    ]);
  });

  test('in a list of a model and its signed shards', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
    const files = await savedByTensorFlow(model);
    for (const { name, bytes: content } of files) {
      answers.set(`/listed/${name}?key=a/b`, send(content as Uint8Array));
    }
    const loaded = await loadKerasModel(files.map(({ name }) => `${base}/listed/${name}?key=a/b`));
    expect(loaded.getWeights().map((one) => one.dataSync())).toEqual(
      model.getWeights().map((one) => one.dataSync()),
    );
  });

  test('of a model.json that begins with a byte order mark', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
    const [json, ...shards] = await savedByTensorFlow(model);
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...(json!.bytes as Uint8Array)]);
    const loaded = await loadKerasModel([{ name: json!.name, bytes: marked }, ...shards]);
    expect(loaded.getWeights()).toHaveLength(2);
  });

  test('of another kind is refused, and nothing is asked for', async () => {
    expect(await refusal('ftp://host/model.h5')).toMatch(/begins with 'ftp'\. Accepted are http, https/);
    expect(await refusal(new URL('data:,x'))).toMatch(/begins with 'data'/);
  });

  test.each(['../secret.bin', 'http://other/x.bin', '/x.bin', 'a\\..\\..\\x.bin'])(
    'does not lead to other places by a shard called %s',
    async (name) => {
      const manifest = [{ paths: [name], weights: [{ name: 'a', shape: [1], dtype: 'float32' }] }];
      const json = JSON.stringify({ modelTopology: {}, weightsManifest: manifest });
      answers.set('/web/other.json', send(text.encode(json)));
      expect(await refusal(`${base}/web/other.json`)).toMatch(/which is not beside it/);
      expect(asked).toEqual(['/web/other.json']);
    },
  );
});

/** A model.json whose kernel lies in a shard of this name. */
function modelWith(name: string): Uint8Array {
  const config = { name: 'd', units: 1, use_bias: false, batch_input_shape: [null, 1] };
  const layers = [{ class_name: 'Dense', config }];
  const modelTopology = { class_name: 'Sequential', config: { name: 'm', layers } };
  const weights = [{ name: 'd/kernel', shape: [1, 1], dtype: 'float32' }];
  return text.encode(JSON.stringify({ modelTopology, weightsManifest: [{ paths: [name], weights }] }));
}

describe('a shard at an address', () => {
  const shard = new Uint8Array(Float32Array.of(5).buffer);

  test.each([
    ['a$&b.bin', 'a%24%26b.bin'],
    ['ä b/c?d#e.bin', '%C3%A4%20b/c%3Fd%23e.bin'],
    ['%2e%2e/x.bin', '%252e%252e/x.bin'],
    ['./a.bin', 'a.bin'],
  ])('called %s is asked for below the folder of the model', async (name, place) => {
    answers.set('/m/model.json?key=1', send(modelWith(name)));
    answers.set(`/m/${place}?key=1`, send(shard));
    const model = await loadKerasModel(`${base}/m/model.json?key=1`);
    expect([...model.getWeights()[0]!.dataSync()]).toEqual([5]);
    model.dispose();
  });

  test.each(['..', 'a/../../x', '//other/x', 'https://other/x', '\\\\other\\x', 'a\0', '\ud800', '', '.'])(
    'called %j is not asked for',
    async (name) => {
      answers.set('/m/model.json', send(modelWith(name)));
      await refusal(`${base}/m/model.json`);
      await refusal(await fetch(`${base}/m/model.json`));
      expect(new Set(asked)).toEqual(new Set(['/m/model.json']));
    },
  );

  test('may be sent from elsewhere on the server, and by https from other servers, but not by http', async () => {
    answers.set('/m/model.json', send(modelWith('a.bin')));
    answers.set('/m/a.bin', (_, response) => response.writeHead(302, { location: '/b.bin' }).end());
    answers.set('/b.bin', send(shard));
    (await loadKerasModel(`${base}/m/model.json`)).dispose();

    const elsewhere = base.replace('127.0.0.1', 'localhost');
    answers.set('/m/a.bin', (_, response) =>
      response.writeHead(302, { location: `${elsewhere}/b.bin` }).end(),
    );
    expect(await refusal(`${base}/m/model.json`)).toMatch(
      /a\.bin': the server sends to 'http:\/\/localhost:\d+'\. Accepted are its own files, and those of other servers by https/,
    );

    const fetched = fetch;
    vi.stubGlobal('fetch', async (address: string, options?: RequestInit) => {
      const response = await fetched(address.replace('/m/a.bin', '/b.bin'), options);
      if (address.endsWith('/a.bin')) {
        Object.defineProperty(response, 'url', { value: 'https://files.example/123?signed' });
      }
      return response;
    });
    onTestFinished(() => void vi.unstubAllGlobals());
    (await loadKerasModel(`${base}/m/model.json`)).dispose();
  });
});

describe('limits', { timeout: 10_000 }, () => {
  const limits = { size: 1_000_000 };
  const endless = (headers: Record<string, string>): Answer => {
    return (_, response) => {
      response.writeHead(200, headers);
      const write = () => {
        while (!response.destroyed && response.write(new Uint8Array(65_536)));
      };
      response.on('drain', write);
      write();
    };
  };

  test('end what a server sends without an end, and the connection', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    answers.set('/endless', (request, response) => {
      closed = once(response, 'close');
      endless({})(request, response);
    });
    for (const source of [`${base}/endless`, await fetch(`${base}/endless`)]) {
      await expect(loadKerasModel(source, { limits })).rejects.toThrow(
        /^Cannot fetch '.*\/endless': takes 1\d+ bytes, and at most 1000000 are accepted\. If you trust it, raise/,
      );
      await closed;
    }
  });

  test('refuse at once what says that it is longer', async () => {
    let sent = 0;
    answers.set('/long', (_, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 40) });
      response.write(new Uint8Array(10));
      sent = 10;
    });
    await expect(loadKerasModel(`${base}/long`)).rejects.toThrow(
      /takes 1099511627776 bytes, and at most 4294967296 are accepted/,
    );
    expect(sent).toBe(10);
  });

  test('hold what a server has compressed, by its size', async () => {
    const bomb = gzipSync(new Uint8Array(2 ** 27));
    answers.set('/bomb', send(bomb, { 'content-encoding': 'gzip' }));
    await expect(loadKerasModel(`${base}/bomb`)).rejects.toThrow(
      new RegExp(
        `takes \\d+ bytes of memory, and at most ${2 ** 26 + 100 * bomb.length} are accepted of a file of ${bomb.length} bytes`,
      ),
    );
    const packed = gzipSync(bytes);
    answers.set('/packed', send(packed, { 'content-encoding': 'gzip' }));
    await expectLoads(`${base}/packed`);
  });

  test('hold what a server has compressed, where it does not say to what size', async () => {
    const sendInChunks =
      (content: Uint8Array): Answer =>
      (_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.write(content.subarray(0, 10));
        response.end(content.subarray(10));
      };
    answers.set('/bomb', sendInChunks(gzipSync(new Uint8Array(2 ** 27))));
    await expect(loadKerasModel(`${base}/bomb`)).rejects.toThrow(
      /takes \d+ bytes of memory, and at most 67108864 are accepted/,
    );
    // Its own bytes are allowed as much as those of any file.
    answers.set('/packed', sendInChunks(gzipSync(bytes)));
    await expectLoads(`${base}/packed`);
  });

  test('are refused in a short message, whatever a server answers', async () => {
    answers.set('/words', (_, response) => response.writeHead(500, 'no '.repeat(1000)).end());
    await expect(loadKerasModel(`${base}/words`)).rejects.toThrow(
      /: the server answered 500 [no ]{100}…\. Check the address\.$/,
    );
  });

  test('hold a Response that has more than it says', async () => {
    const response = new Response(new Uint8Array(2_000_000), { headers: { 'content-length': '10' } });
    await expect(loadKerasModel(response, { limits })).rejects.toThrow(
      /takes 2000000 bytes, and at most 1000000/,
    );
  });

  test('end a stream without an end', async () => {
    let isEnded = false;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel() {
        isEnded = true;
      },
    });
    await expect(loadKerasModel(stream, { limits })).rejects.toThrow(
      /^The stream: takes 1\d+ bytes, and at most 1000000 are accepted/,
    );
    expect(isEnded).toBe(true);
  });

  test('hold bytes, files and lists of them', async () => {
    const few = { size: bytes.length - 1 };
    for (const source of [bytes, new Blob([bytes]), new File([bytes], 'm.h5'), [{ name: 'm.h5', bytes }]]) {
      await expect(loadKerasModel(source as KerasSource, { limits: few })).rejects.toThrow(
        new RegExp(`takes ${bytes.length} bytes, and at most ${bytes.length - 1} are accepted`),
      );
    }
    const half = Math.floor(bytes.length / 2);
    const both = [
      { name: 'a', bytes: bytes.subarray(0, half) },
      { name: 'b', bytes: bytes.subarray(half) },
    ];
    await expect(loadKerasModel(both, { limits: few })).rejects.toThrow(/^'b': takes/);
  });

  test('that are none are refused', async () => {
    for (const given of [5, null, { bytes: 5 }, { size: -1 }, { size: NaN }]) {
      await expect(loadKerasModel(bytes, { limits: given as object })).rejects.toThrow(/^limits/);
      await expect(checkKerasModel(bytes, { limits: given as object })).rejects.toThrow(/^limits/);
    }
  });
});

describe('says what is wrong', () => {
  test('with the status and the address', async () => {
    expect(await refusal(`${base}/missing.h5`)).toMatch(
      /^Cannot fetch 'http:\/\/127\.0\.0\.1:\d+\/missing\.h5': the server answered 404 Not Found\. Check the address\.$/,
    );
    answers.set('/closed', (_, response) => response.writeHead(403).end());
    expect(await refusal(`${base}/closed`)).toMatch(/403 Forbidden.*give the Response/);
  });

  test('where nobody answers', async () => {
    expect(await refusal('http://127.0.0.1:1/model.h5')).toMatch(
      /^Cannot fetch 'http:\/\/127\.0\.0\.1:1\/model\.h5': .+ Access-Control-Allow-Origin \(CORS\)/,
    );
  });

  test('where a page comes instead of a model', async () => {
    answers.set('/page', send(text.encode('<!doctype html><title>Home</title>')));
    expect(await refusal(`${base}/page`)).toMatch(/begins as an HTML page does: is the address right\?/);
  });

  test('where the connection ends early', async () => {
    answers.set('/cut', (_, response) => {
      response.writeHead(200, { 'content-length': String(bytes.length) });
      response.write(bytes.slice(0, 100), () => response.destroy());
    });
    expect(await refusal(`${base}/cut`)).toMatch(/\/cut': the connection ended early\. Try again\.$/);
  });

  test('of a Response that has been read', async () => {
    const response = await fetch(`${base}/model.h5`);
    await response.arrayBuffer();
    expect(await refusal(response)).toMatch(/has been read already/);
  });

  test('of a Response without an address, whose shards nobody can find', async () => {
    const manifest = [{ paths: ['a.bin'], weights: [{ name: 'a', shape: [1], dtype: 'float32' }] }];
    const json = JSON.stringify({ modelTopology: {}, weightsManifest: manifest });
    expect(await refusal(new Response(json))).toMatch(/another file, 'a\.bin'\. Give both as a list/);
  });
});

describe('a stream', () => {
  const chunks = [bytes.slice(0, 10), bytes.slice(10, 5000), bytes.slice(5000)];

  test('of bytes is read once', async () => {
    let opened = 0;
    const source = {
      async *[Symbol.asyncIterator]() {
        opened++;
        await Promise.resolve();
        yield* chunks;
      },
    };
    await expectLoads(source);
    expect(opened).toBe(1);
    await expectLoads(
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      }),
    );
  });

  test('of something else is a TypeError', async () => {
    const source = new Blob(['x']).stream().pipeThrough(new TextDecoderStream());
    await expect(loadKerasModel(source as unknown as KerasSource)).rejects.toThrow(
      /^source: expected chunks of bytes \(Uint8Array\), received 'x'\.$/,
    );
  });
});

describe('a model without weights, of to_json', () => {
  const json = text.encode(JSON.stringify({ class_name: 'Sequential', config: { name: 'm', layers: [] } }));

  test('says how to bring them', async () => {
    expect(await refusal(json)).toMatch(
      /a model without weights, as model\.to_json\(\).*loadKerasModel\(\['model\.json', 'model\.weights\.h5'\]\)/,
    );
  });
});

describe('progress and stopping', () => {
  test('counts the bytes, then the weights', async () => {
    const steps: { done: number; total: number | null; step: string }[] = [];
    const model = await loadKerasModel(`${base}/model.h5`, {
      onProgress: (progress) => steps.push(progress),
    });
    const fetched = steps.filter(({ step }) => step === `${base}/model.h5`);
    expect(fetched.at(-1)).toEqual({ done: bytes.length, total: bytes.length, step: `${base}/model.h5` });
    const filled = steps.slice(fetched.length);
    expect(filled.map(({ done }) => done)).toEqual(model.weights.map((_, i) => i + 1));
    expect(filled.every(({ total }) => total === model.weights.length)).toBe(true);
  });

  test('does not know how many bytes come where they are compressed', async () => {
    answers.set('/identity', (_, response) => response.writeHead(200).end(bytes));
    const totals = new Set<number | null>();
    await loadKerasModel(`${base}/identity`, {
      onProgress: ({ step, total }) => {
        if (step === `${base}/identity`) totals.add(total);
      },
    });
    expect([...totals]).toEqual([null]);
  });

  test('a signal stops the fetch with its reason, and leaves nothing', async () => {
    answers.set('/slow', (_, response) => {
      response.writeHead(200, { 'content-length': String(bytes.length) });
      response.write(bytes.slice(0, 100));
    });
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const reason = new Error('enough');
    const loading = loadKerasModel(`${base}/slow`, {
      signal: controller.signal,
      onProgress: () => {
        controller.abort(reason);
      },
    });
    await expect(loading).rejects.toBe(reason);
    await expect(loadKerasModel(bytes, { signal: controller.signal })).rejects.toBe(reason);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a signal stops between weights, and nothing is left', async () => {
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const loading = loadKerasModel(bytes, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 2) controller.abort(new Error('enough'));
      },
    });
    await expect(loading).rejects.toThrow('enough');
    expect(tf.memory().numTensors).toBe(before);
  });

  test('misspelt options are refused', async () => {
    await expect(loadKerasModel(bytes, { onprogress: 1 } as object)).rejects.toThrow(
      /Did you mean 'onProgress'/,
    );
  });
});
