import type { SignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createImportClient, csv } from '../../customer-service/test/import-client.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'

let system: HostileSystem
let admin: SignedInUser
beforeAll(async () => {
  system = await startHostileSystem({ 'customer-service': { JOBS_PER_USER: '2' } })
  admin = await system.signInNewUser('admin', 'user')
}, 120_000)
afterAll(() => system?.close(), 60_000)

const exportedPath = async (api: ReturnType<HostileSystem['as']>) => {
  const { headers } = await api.post('/v1/exports', { format: 'csv' })
  const path = headers.get('location') ?? ''
  await eventually(async () => expect((await api.get(path)).body.status).toBe('succeeded'), { timeoutMs: 30_000 })
  return path
}
const makeLink = async (api: ReturnType<HostileSystem['as']>, path: string): Promise<string> => {
  const { status, body } = await api.post(`${path}/result-link`)
  expect(status).toBe(201)
  system.addSecrets(new URL(body.url).searchParams.get('link') ?? '')
  return body.url
}
const statusOf = async (url: string): Promise<number> => {
  const { pathname, search } = new URL(url)
  return (await system.as().get(`${pathname}${search}`)).status
}

describe('A user whose access was revoked', () => {
  it.each([
    ['disabled', (id: string) => system.as(admin.token).patch(`/v1/users/${id}`, { enabled: false })],
    ['demoted', (id: string) => system.as(admin.token).patch(`/v1/users/${id}`, { roles: [] })],
    ['deleted', (id: string) => system.as(admin.token).delete(`/v1/users/${id}`)],
  ])(
    'the links of a user who was %s stop working, and the running import ends and can be undone by an admin',
    async (_how, revoke) => {
      const dora = await system.signInNewUser('user')
      const api = system.as(dora.token)
      const path = await exportedPath(api)
      const [link, ofAdmin] = [await makeLink(api, path), await makeLink(system.as(admin.token), path)]
      expect([await statusOf(link), await statusOf(ofAdmin)]).toEqual([200, 200])

      const asAdmin = createImportClient(system.as(admin.token) as Parameters<typeof createImportClient>[0])
      const rows = Array.from({ length: 20_000 }, (_, n) => ({ name: `n${n}`, surname: dora.username }))
      const sent = { headers: { 'content-type': 'text/csv' }, body: csv(rows) }
      const { body: imported } = await api.raw('POST', '/v1/imports?name=former.csv', sent)
      await asAdmin.rest(imported.id)
      const { body: job } = await api.post(`/v1/imports/${imported.id}/commit`, {})
      await eventually(async () => expect((await asAdmin.get(imported.id)).counts.created).toBeGreaterThan(0))
      expect((await revoke(dora.id)).status).toBeLessThan(300)

      await eventually(async () => expect(await statusOf(link)).toBe(403), { timeoutMs: 30_000 })
      const { status, error, counts } = await asAdmin.job(job.id)
      expect([status, error?.code]).toEqual(['cancelled', 'owner_lost_access'])
      expect(counts['created']).toBeLessThan(rows.length)
      expect([await statusOf(link), await statusOf(ofAdmin)]).toEqual([403, 200])
      expect(await asAdmin.undo(imported.id)).toMatchObject({
        status: 'succeeded',
        counts: { removed: counts['created'] },
      })
    },
    60_000,
  )
})

describe('A link to a file of a job', () => {
  it('opens one file of one job for whoever has it, and nothing else', async () => {
    const api = system.as((await system.signInNewUser('user')).token)
    const [path, other] = [await exportedPath(api), await exportedPath(api)]
    const link = await makeLink(api, path)
    const secret = new URL(link).searchParams.get('link') ?? ''
    expect(await statusOf(link)).toBe(200)
    const changes = {
      'another job': link.replace(path, other),
      'another file': link.replace('/result?', '/errors?'),
      'another secret': link.replace(secret, 'A'.repeat(43)),
      'an empty secret': link.replace(secret, ''),
      'no secret': link.replace(/\?.*/, ''),
      'two secrets': `${link}&link=${secret}`,
      'a signed link to an image': `${link.replace(/\?.*/, '')}?expires=9999999999&signature=${secret}`,
    }
    for (const [what, url] of Object.entries(changes))
      expect({ what, refused: [400, 401, 403].includes(await statusOf(url)) }).toEqual({ what, refused: true })
    expect((await system.as().get(`${path}?link=${secret}`)).status).toBe(401)
    expect((await system.as().delete(path)).status).toBe(401)
  })
})

it('logs and error responses contain no secrets', () => {
  const { logLines, ...found } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(found).toMatchObject({ inLogs: [], inErrorResponses: [] })
})
