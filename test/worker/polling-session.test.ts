import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';

const URL_OF_CLIENT = 'http://localhost/socket.io/?EIO=4&transport=polling';
type Stub = ReturnType<typeof env.POLLING_SESSIONS.get>;

async function open(stub: Stub): Promise<string> {
  const opened = await (await stub.fetch(URL_OF_CLIENT)).text();
  return `${URL_OF_CLIENT}&sid=${(JSON.parse(opened.slice(1)) as { sid: string }).sid}`;
}

function tablesOf(stub: Stub): Promise<unknown[]> {
  return runInDurableObject(stub, (_object, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'").toArray(),
  );
}

it('a client that begins with polling leaves nothing in the storage when it is gone, and its alarm disturbs nobody who is there', async () => {
  const stub = env.POLLING_SESSIONS.get(env.POLLING_SESSIONS.newUniqueId());
  const url = await open(stub);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await tablesOf(stub)).not.toEqual([]);
  expect(await (await stub.fetch(url, { method: 'POST', body: '40' })).text()).toBe('ok');

  expect(await (await stub.fetch(url, { method: 'POST', body: '1' })).text()).toBe('ok');
  // The farewell to the client's last request.
  await (await stub.fetch(url)).text();
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await tablesOf(stub)).toEqual([]);
  expect(await (await stub.fetch(url)).json()).toMatchObject({ code: 1 });
  expect(await tablesOf(stub)).toEqual([]);
});
