import { eventually } from '@clientele/platform/testing/wait'
import { createHealth } from '../src/site/health.ts'
import { startStubService } from './stub-service.ts'

const unreachable = { name: 'unreachable-service', url: 'http://127.0.0.1:9', internalUrl: 'http://127.0.0.1:9' }
const verifier = { keyAgeMs: () => 0 } as Parameters<typeof createHealth>[0]['verifier']

describe('Readiness of the gateway', () => {
  it('the gateway waits a limited time for a service that has never been ready', async () => {
    const parts = {
      services: [unreachable],
      verifier,
      revocations: { isLoaded: () => true },
      broker: () => undefined,
    }
    const health = createHealth({ ...parts, startupGraceMs: 1_500 })
    expect(await health.readiness()).toEqual({
      status: 'down',
      checks: expect.arrayContaining([
        { name: 'unreachable-service', status: 'down', detail: 'has not been ready yet' },
      ]),
    })
    await eventually(async () => expect((await health.readiness()).status).toBe('up'))
  })

  it('each health check uses a new connection, because an address may have moved to another process', async () => {
    const service = await startStubService()
    const { internalUrl, internal } = service
    let connections = 0
    internal.on('connection', () => {
      connections += 1
    })
    const services = [{ name: 'some-service', url: internalUrl, internalUrl }]
    const health = createHealth({
      services,
      verifier,
      revocations: { isLoaded: () => true },
      broker: () => undefined,
    })
    await eventually(async () => {
      await health.current()
      expect(connections).toBeGreaterThanOrEqual(2)
    })
    await service.stop()
  }, 20_000)
})
