import { eventually } from '@clientele/platform/testing/wait'
import { createHealth } from '../src/site/health.ts'
import { standIn } from './upstreams.ts'

const nowhere = { name: 'away-service', url: 'http://127.0.0.1:9', internalUrl: 'http://127.0.0.1:9' }
const keys = { keyAgeMs: () => 0 } as Parameters<typeof createHealth>[0]['verifier']

describe('readiness (S1-48)', () => {
  it('waits for a service that has never been ready, but not for ever: its routes alone answer 503 then', async () => {
    const parts = { services: [nowhere], verifier: keys, revocations: { loaded: () => true }, broker: () => undefined }
    const health = createHealth({ ...parts, patienceMs: 1_500 })
    expect(await health.readiness()).toEqual({
      status: 'down',
      checks: expect.arrayContaining([{ name: 'away-service', status: 'down', detail: 'has not been ready yet' }]),
    })
    await eventually(async () => expect((await health.readiness()).status).toBe('up'))
  })

  it('asks on a new connection each time, in case an address has come to lead to somebody else', async () => {
    const service = await standIn()
    const { internalUrl, internal } = service
    let connections = 0
    internal.on('connection', () => {
      connections += 1
    })
    const services = [{ name: 'some-service', url: internalUrl, internalUrl }]
    const health = createHealth({
      services,
      verifier: keys,
      revocations: { loaded: () => true },
      broker: () => undefined,
    })
    await eventually(async () => {
      await health.current()
      expect(connections).toBeGreaterThanOrEqual(2)
    })
    await service.stop()
  }, 20_000)
})
