import { request } from 'node:http';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../harness/eventually.ts';
import type { Edge } from '../harness/edge.ts';
import { makeTenant } from './tenant.ts';
import { bytesOf, CONTENT, formOf, upload } from './content.ts';
import { Member, startProbedEdge } from './member.ts';

const MEGABYTE = 1024 * 1024;

let edge: Edge;
let ada: Member;
let uploadUrl: string;

beforeAll(async () => {
  edge = await startProbedEdge();
  await makeTenant(edge, 'small', 'key of the small tenant', { fileQuota: 3 * MEGABYTE });
  ada = await Member.join(edge, 'default/files/ada');
  uploadUrl = await ada.fileUploadUrl();
});

afterAll(() => edge.stop());

async function download(url: string, headers: Record<string, string> = {}): Promise<{ response: Response; bytes: Uint8Array }> {
  const response = await fetch(url, { headers });
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
}

async function storedKeys(): Promise<string[]> {
  const { objects } = await (await edge.bucket()).list({ prefix: 'files/' });
  return objects.map(({ key }) => key);
}

async function rows(): Promise<number> {
  const row = await (await edge.database()).prepare('SELECT COUNT(*) AS count FROM files').first<{ count: number }>();
  return row?.count ?? -1;
}

describe('an upload', () => {
  it.each([
    ['png', 'image/png', 'png'],
    ['jpeg', 'image/jpeg', 'jpg'],
    ['gif', 'image/gif', 'gif'],
    ['webp', 'image/webp', 'webp'],
  ] as const)('of a %s is taken by its content, whatever its name and type say, and can be downloaded', async (kind, mime, extension) => {
    const bytes = bytesOf(CONTENT[kind], 5000);
    const { status, answer } = await upload(uploadUrl, formOf(bytes, 'report.html', { field: 'anything', type: 'text/html' }));
    expect(status).toBe(200);
    expect(answer).toMatchObject({ code: '200', roomId: 'files', orgname: 'report.html', type: 'img', size: 5000 });
    expect(answer.url).toMatch(new RegExp(`^${edge.url}/files/[\\w-]{36}/[\\w-]{43}/report\\.${extension}$`, 'u'));
    expect([answer.fileUrl, answer.filename]).toEqual([answer.url, answer.url]);

    const { response, bytes: downloaded } = await download(answer.url);
    expect(Buffer.compare(downloaded, bytes)).toBe(0);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': mime,
      'content-length': '5000',
      'content-disposition': `inline; filename*=UTF-8''report.${extension}`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'access-control-allow-origin': '*',
    });
  });

  it('keeps the name in its own script', async () => {
    const { answer } = await upload(uploadUrl, formOf(bytesOf(CONTENT.png), '회의 자료 (최종).png'));
    expect(answer.orgname).toBe('회의 자료 (최종).png');
    expect(decodeURIComponent(answer.url)).toMatch(/\/회의_자료_최종\.png$/u);
    expect((await download(answer.url)).response.status).toBe(200);
  });

  it.each([
    '../../../etc/passwd.png',
    '..\\..\\boot.png',
    '/etc/passwd',
    '....//x.png',
    '.',
    '"quoted\\".png',
    '\u202egnp.exe',
    `${'a'.repeat(300)}.png`,
    "'; DROP TABLE files; --.png",
    '%2e%2e%2fx.png',
    '<script>.png',
  ])('named %j stays in its place', async (name) => {
    const { status, answer } = await upload(uploadUrl, formOf(bytesOf(CONTENT.png), name));
    expect(status).toBe(200);
    expect(new URL(answer.url).pathname).toMatch(/^\/files\/[\w-]{36}\/[\w-]{43}\/[^/]{1,250}\.png$/u);
    expect((await download(answer.url)).response.status).toBe(200);
    expect(answer.orgname).not.toMatch(/[/\\\u202e]/u);
  });

  it('of 25 MB is taken, and comes back byte by byte; one byte more is refused', async () => {
    const bytes = bytesOf(CONTENT.png, 25 * MEGABYTE);
    const { status, answer } = await upload(uploadUrl, formOf(bytes));
    expect([status, answer.size]).toEqual([200, 25 * MEGABYTE]);
    expect(Buffer.compare((await download(answer.url)).bytes, bytes)).toBe(0);

    const before = [(await storedKeys()).length, await rows()];
    const tooLarge = await upload(uploadUrl, formOf(bytesOf(CONTENT.png, 25 * MEGABYTE + 1)));
    expect([tooLarge.status, tooLarge.answer.code]).toEqual([413, '445']);
    expect([(await storedKeys()).length, await rows()]).toEqual(before);
  });

  it('that does not say how long it is is counted as it comes', async () => {
    const form = new Response(formOf(bytesOf(CONTENT.png, 30 * MEGABYTE)));
    const outcome = await chunked(uploadUrl, form.headers.get('content-type') ?? '', new Uint8Array(await form.arrayBuffer()));
    expect(outcome).toEqual({ status: 413, code: '445' });
  });

  it('that says it is enormous is refused before it comes', async () => {
    const { hostname, port, pathname, search } = new URL(uploadUrl);
    const status = await new Promise<number | undefined>((settle, refuse) => {
      const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': String(10 ** 12) };
      const sent = request({ hostname, port, path: pathname + search, method: 'POST', headers }, (response) => {
        settle(response.statusCode);
        sent.destroy();
      });
      sent.on('error', refuse);
      sent.flushHeaders();
    });
    expect(status).toBe(413);
  });

  it('that was given up half-way leaves nothing', async () => {
    const before = [(await storedKeys()).length, await rows()];
    const { hostname, port, pathname, search } = new URL(uploadUrl);
    const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': String(12 * MEGABYTE) };
    const sent = request({ hostname, port, path: pathname + search, method: 'POST', headers }).on('error', () => undefined);
    sent.write('--b\r\ncontent-disposition: form-data; name="f"; filename="a.png"\r\n\r\n');
    await new Promise<void>((settle) =>
      sent.write(bytesOf(CONTENT.png, 7 * MEGABYTE), () => {
        settle();
      }),
    );
    await eventually('the upload is known', async () => (await rows()) === (before[1] ?? 0) + 1);
    sent.destroy();
    await eventually('nothing is left of it', async () => (await storedKeys()).length === before[0] && (await rows()) === before[1]);
  });

  it('is allowed from pages of any origin', async () => {
    const headers = {
      origin: 'https://app.example.org',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-requested-with',
    };
    const { status, headers: given } = await fetch(uploadUrl, { method: 'OPTIONS', headers });
    expect(status).toBe(204);
    expect(given.get('access-control-allow-origin')).toBe('*');
    expect(given.get('access-control-allow-methods')).toContain('POST');
    expect(given.get('access-control-allow-headers')).toContain('x-requested-with');
  });
});

describe('what is refused', () => {
  it.each([
    ['10 MB of garbage in a form', formOf(bytesOf([1, 2, 3], 10 * MEGABYTE), 'x.png'), {}, [422, '422']],
    ['a page that calls itself a picture', formOf(new TextEncoder().encode('<html><script>alert(1)</script>'), 'x.png'), {}, [422, '422']],
    [
      'a drawing that can run scripts',
      formOf(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'x.svg'),
      {},
      [422, '422'],
    ],
    ['a program', formOf(bytesOf([0x4d, 0x5a, 0x90]), 'x.png'), {}, [422, '422']],
    ['an empty file', formOf(new Uint8Array(), 'x.png'), {}, [422, '422']],
    ['10 MB of garbage', bytesOf([], 10 * MEGABYTE), { 'content-type': 'multipart/form-data; boundary=b' }, [400, '422']],
    ['a form without a boundary', 'hello', { 'content-type': 'multipart/form-data' }, [400, '422']],
    ['a form without a file', new URLSearchParams({ a: 'b' }), {}, [400, '422']],
    ['a picture without a form', bytesOf(CONTENT.png), { 'content-type': 'image/png' }, [400, '422']],
    ['a field for a file that nobody chose', formOf(bytesOf(CONTENT.png), ''), {}, [400, '422']],
    ['JSON', '{}', { 'content-type': 'application/json' }, [400, '422']],
    [
      'a file cut off',
      '--b\r\ncontent-disposition: form-data; name="f"; filename="a.gif"\r\n\r\nGIF89a12345678',
      { 'content-type': 'multipart/form-data; boundary=b' },
      [400, '422'],
    ],
    [
      'a name that cannot be read',
      '--b\r\ncontent-disposition: form-data; name="f"; filename="a"; filename*=UTF-8\'\'%E0%A4%A\r\n\r\nGIF89a12345678\r\n--b--',
      { 'content-type': 'multipart/form-data; boundary=b' },
      [400, '422'],
    ],
    ['a hundred fields before the file', manyFields(), {}, [400, '422']],
  ] as [string, BodyInit, Record<string, string>, [number, string]][])(
    '%s, and nothing is left of it',
    async (_what, body, headers, refusal) => {
      const before = [await storedKeys(), await rows()];
      const { status, answer } = await upload(uploadUrl, body, headers);
      expect([status, answer.code]).toEqual(refusal);
      expect([await storedKeys(), await rows()]).toEqual(before);
    },
  );

  it('a grant that is missing, altered, for something else, expired or made by somebody else', async () => {
    const grant = new URL(uploadUrl).searchParams.get('grant') ?? '';
    const { uploadUrl: forRecording } = await ada.startRecording({ participantId: 'ada' });
    const expired = new SignJWT({ room: 'default/files', life: 'x', exp: 1 }).setProtectedHeader({ alg: 'HS256' }).setAudience('files');
    const wrong = [
      `${edge.url}/files`,
      `${edge.url}/files?grant=nonsense`,
      `${edge.url}/files?grant=${grant.slice(0, -2)}AA`,
      `${edge.url}/files?grant=${new URL(forRecording).searchParams.get('grant') ?? ''}`,
      `${edge.url}/files?grant=${await expired.sign(new Uint8Array(32))}`,
    ];
    for (const url of wrong) {
      const { status, answer } = await upload(url, formOf(bytesOf(CONTENT.png)));
      expect([url, status, answer.code]).toEqual([url, 403, '413']);
    }
  });

  it('addresses that are nobody\u2019s', async () => {
    const { answer } = await upload(uploadUrl, formOf(bytesOf(CONTENT.png), 'own.png'));
    const { pathname } = new URL(answer.url);
    const [, , life = '', id = ''] = pathname.split('/');
    for (const path of [
      `/files/${life}/${'A'.repeat(43)}/own.png`,
      `/files/${life}/${id}/other.png`,
      `/files/${life}/${id}/own.pdf`,
      `/files/${life}/${id}/`,
      `/files/${life}/${id}/..%2Fown.png`,
      `/files/x/..%2F${life}%2F${id}/own.png`,
      `/files/%2e%2e/${id}/own.png`,
      '/files/a/b/c.html',
    ]) {
      const response = await fetch(edge.url + path);
      expect([path, response.status]).toEqual([path, 404]);
    }
    // A slash that is not one, in a place where a real one would be right, opens nothing either.
    expect((await fetch(`${edge.url}/files/${life}%2F${id}/x/own.png`)).status).toBe(404);
  });
});

it('a download can be continued', async () => {
  const bytes = bytesOf(CONTENT.png, 9000);
  const { answer } = await upload(uploadUrl, formOf(bytes));
  const middle = await download(answer.url, { range: 'bytes=100-199' });
  expect([middle.response.status, middle.response.headers.get('content-range')]).toEqual([206, 'bytes 100-199/9000']);
  expect(Buffer.compare(middle.bytes, bytes.subarray(100, 200))).toBe(0);
  const end = await download(answer.url, { range: 'bytes=-10' });
  expect(Buffer.compare(end.bytes, bytes.subarray(8990))).toBe(0);
  const beyond = await download(answer.url, { range: 'bytes=9000-' });
  expect([beyond.response.status, beyond.response.headers.get('content-range')]).toEqual([416, 'bytes */9000']);
  const head = await fetch(answer.url, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '9000']);
});

it('the files of a room together stay within its quota, and those of another room do not count', async () => {
  const [one, other] = [await Member.join(edge, 'small/one/ada'), await Member.join(edge, 'small/other/ada')];
  const [urlOne, urlOther] = [await one.fileUploadUrl(), await other.fileUploadUrl()];
  const file = () => formOf(bytesOf(CONTENT.png, 1.4 * MEGABYTE));
  const sideBySide = await Promise.all([upload(urlOne, file()), upload(urlOne, file()), upload(urlOne, file()), upload(urlOne, file())]);
  expect(sideBySide.map(({ status }) => status).sort()).toEqual([200, 200, 413, 413]);
  expect(sideBySide.find(({ status }) => status === 413)?.answer).toMatchObject({
    code: '445',
    message: expect.stringContaining('room left') as string,
  });
  expect((await upload(urlOther, file())).status).toBe(200);
});

describe('when a room ends', () => {
  it('its files are deleted, its addresses are worth nothing, and a new room of its name has none of them', async () => {
    const member = await Member.join(edge, 'default/ending/ada');
    const url = await member.fileUploadUrl();
    const { answer } = await upload(url, formOf(bytesOf(CONTENT.png), 'kept.png'));
    const life = new URL(answer.url).pathname.split('/')[2] ?? '';
    const other = await upload(uploadUrl, formOf(bytesOf(CONTENT.png), 'of another room.png'));
    await member.endRoom();
    await eventually('the file is gone', async () => (await fetch(answer.url)).status === 404);
    expect((await storedKeys()).filter((key) => key.includes(life))).toEqual([]);
    expect((await upload(url, formOf(bytesOf(CONTENT.png)))).answer).toMatchObject({ code: '404' });

    const again = await Member.join(edge, 'default/ending/ada');
    expect((await upload(url, formOf(bytesOf(CONTENT.png)))).status).toBe(404);
    const fresh = await upload(await again.fileUploadUrl(), formOf(bytesOf(CONTENT.png)));
    expect(fresh.status).toBe(200);
    expect(fresh.answer.url).not.toContain(life);
    expect((await fetch(other.answer.url)).status).toBe(200);
  });

  it('an upload that is under way comes to nothing', async () => {
    const member = await Member.join(edge, 'default/hasty/ada');
    const url = await member.fileUploadUrl();
    const before = await rows();
    const form = new Response(formOf(bytesOf(CONTENT.png, 8 * MEGABYTE)));
    const type = form.headers.get('content-type') ?? '';
    const body = new Uint8Array(await form.arrayBuffer());
    const outcome = chunked(url, type, body, async () => {
      await eventually('the upload is known', async () => (await rows()) === before + 1);
      await member.endRoom();
      await eventually('the room is gone', async () => (await rows()) === before);
    });
    expect(await outcome).toEqual({ status: 404, code: '404' });
    expect(await rows()).toBe(before);
  });
});

/** Sends a body without saying how long it is, and does something when half of it was sent. */
function chunked(
  url: string,
  type: string,
  body: Uint8Array,
  halfway?: () => Promise<void>,
): Promise<{ status: number | undefined; code: unknown }> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((settle, refuse) => {
    const headers = { 'content-type': type, 'transfer-encoding': 'chunked' };
    const sent = request({ hostname, port, path: pathname + search, method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        settle({ status: response.statusCode, code: (JSON.parse(text) as { code: unknown }).code });
      });
    });
    sent.once('error', refuse);
    const half = body.length >> 1;
    sent.write(body.subarray(0, half));
    void (halfway?.() ?? Promise.resolve()).then(() => sent.end(body.subarray(half)), refuse);
  });
}

function manyFields(): FormData {
  const form = new FormData();
  for (let index = 0; index < 100; index += 1) form.append(`field ${index}`, 'x');
  form.append('file', new Blob([bytesOf(CONTENT.png)]), 'x.png');
  return form;
}
