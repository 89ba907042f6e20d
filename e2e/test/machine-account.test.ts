import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin, requestToken } from '@clientele/platform/testing/realm'
import { eventually } from '@clientele/platform/testing/wait'
import { projectRoot } from '@clientele/stack/processes/folders'
import { realmName } from '@clientele/stack/profile/services'
import { type System, startSystem } from '../system.ts'

const realm = realmAdmin(realmName)
const home = mkdtempSync(join(tmpdir(), 'clientele-machine-'))
const name = `erp-${Math.random().toString(36).slice(2, 10)}`

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(async () => {
  const id = await findClient(name)
  if (id) await realm.call('DELETE', `/clients/${id}`)
  rmSync(home, { recursive: true, force: true })
  await system?.close()
}, 60_000)

const findClient = async (clientId: string): Promise<string | undefined> =>
  (await realm.call<{ id: string }[]>('GET', `/clients?clientId=${clientId}`)).body[0]?.id

/** @returns what the command prints */
const machineAccount = async (...args: string[]): Promise<string> => {
  const command = [join(projectRoot, 'stack', 'src', 'machine-account.ts'), ...args]
  const env = {
    ...process.env,
    CLIENTELE_HOME: home,
    CLIENTELE_KEYCLOAK_URL: testEnv('TEST_KEYCLOAK_URL'),
    CLIENTELE_KEYCLOAK_ADMIN_USER: testEnv('TEST_KEYCLOAK_ADMIN_USER'),
    CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'),
  }
  return (await promisify(execFile)(process.execPath, command, { env })).stdout
}
const secretIn = (output: string): string => /^client secret {2}(\S+)$/m.exec(output)?.[1] ?? ''
const takeToken = async (secret: string) =>
  (await requestToken(realmName, { grant_type: 'client_credentials', client_id: name, client_secret: secret }))
    .access_token
const as = (token: string) => client(system.gateway, token)
const statusOf = async (token: string) => (await as(token).get('/v1/customers?limit=1')).status
const untilRefused = (token: string) =>
  eventually(async () => expect(await statusOf(token)).toBe(401), { timeoutMs: 6_000 })
const nextSecond = () => sleep(1_000 - (Date.now() % 1_000))

describe('npm run machine-account', () => {
  let secret: string

  it('npm run machine-account prints a secret whose tokens work at the gateway, and records show the display name', async () => {
    const output = await machineAccount('--name', name, '--display-name', 'The ERP')
    expect(output).toContain(`${testEnv('TEST_KEYCLOAK_URL')}/realms/${realmName}/protocol/openid-connect/token`)
    secret = secretIn(output)
    const erp = as(await takeToken(secret))
    const { status, body } = await erp.post('/v1/customers', { name: 'Ana', surname: 'Lovelace' })
    expect({ status, createdBy: body.createdBy }).toMatchObject({ status: 201, createdBy: { displayName: 'The ERP' } })
    expect((await erp.get(`/v1/customers/${body.id}`)).body.createdBy).toEqual(body.createdBy)
    const sku = `${name}-1`
    const product = await erp.post('/v1/products', { sku, name: 'Tea', price: '1.00' })
    expect(product).toMatchObject({ status: 201, body: { createdBy: { displayName: 'The ERP' } } })
    expect((await erp.get('/v1/users')).status).toBe(403)
  })

  it('npm run machine-account fails if the name exists, and if there is none to rotate', async () => {
    await expect(machineAccount('--name', name)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/exists already.*--rotate/),
    })
    await expect(machineAccount('--name', 'nobody-here', '--rotate')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no machine account'),
    })
    await expect(machineAccount('--name', 'clientele-user-service', '--rotate')).rejects.toMatchObject({ code: 1 })
    await expect(machineAccount('--name', name, '--roles', 'boss')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('usage: npm run machine-account'),
    })
  })

  it('npm run machine-account --rotate ends the tokens of the old secret within 5 s, and those of the new one work', async () => {
    const old = await takeToken(secret)
    expect(await statusOf(old)).toBe(200)
    const next = secretIn(await machineAccount('--name', name, '--rotate'))
    await untilRefused(old)
    await expect(takeToken(secret)).rejects.toThrow('401')
    secret = next
    expect(await statusOf(await takeToken(secret))).toBe(200)
  }, 20_000)

  it('tokens end within 5 s when the client is disabled, work again when it is enabled, and end when it is deleted', async () => {
    const id = await findClient(name)
    const old = await takeToken(secret)
    await realm.call('PUT', `/clients/${id}`, { enabled: false })
    await untilRefused(old)
    await nextSecond()
    await realm.call('PUT', `/clients/${id}`, { enabled: true })
    const next = await takeToken(secret)
    expect(await statusOf(next)).toBe(200)
    await realm.call('DELETE', `/clients/${id}`)
    await untilRefused(next)
  }, 30_000)
})

it('a program whose client has no display name is shown by its client id', async () => {
  const output = await machineAccount('--name', name, '--roles', 'user,admin')
  const id = await findClient(name)
  const path = `/clients/${id}/protocol-mappers/models`
  const { body: mappers } = await realm.call<{ id: string; name: string }[]>('GET', path)
  const mapper = mappers.find((each) => each.name === 'display name')
  await realm.call('DELETE', `${path}/${mapper?.id}`)
  const erp = as(await takeToken(secretIn(output)))
  const { body } = await erp.post('/v1/customers', { name: 'Ana', surname: 'Lovelace' })
  expect(body.createdBy.displayName).toBe(name)
  expect((await erp.get('/v1/users')).status).toBe(200)
})
