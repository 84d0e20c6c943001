/** @file Where a model may come from: addresses, responses, streams, lists; what is fetched, and what is said when it fails. */
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { ValueError } from 'evenkeel';
import { type KerasSource, loadKerasModel } from 'evenkeel/keras';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TOLERANCE, modelNamed, predictionError, readModel } from './golden.js';
import { savedByTensorFlow } from './saved-by-tensorflow.js';

const golden = modelNamed('tf-keras-mlp-renorm.h5');
const bytes = readModel(golden);
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
