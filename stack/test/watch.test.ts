import { mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testEnv } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { freeProductPorts } from '../../e2e/start.process.ts'
import { logFile } from '../src/processes/child.ts'
import { projectRoot } from '../src/processes/folders.ts'
import { type Supervised, supervise } from '../src/processes/supervisor.ts'
import { secretsOf } from '../src/profile/secrets.ts'
import { serviceEnv, services } from '../src/profile/services.ts'

const gateway = services.filter(({ name }) => name === 'gateway')
const home = mkdtempSync(join(tmpdir(), 'clientele-watch-'))
let service: Supervised | undefined
afterAll(async () => {
  await service?.stop()
  rmSync(home, { recursive: true, force: true })
})

describe('npm run dev', () => {
  it('npm run dev restarts a service when one of its files changes', async () => {
    const ports = await freeProductPorts()
    const publicUrl = `http://127.0.0.1:${ports.GATEWAY_PORT}`
    const keycloakUrl = testEnv('TEST_KEYCLOAK_URL')
    const [env = {}] = gateway.map((row) =>
      serviceEnv(row, {
        home,
        host: '127.0.0.1',
        ports,
        secrets: secretsOf(home),
        publicUrl,
        postgresUrl: testEnv('TEST_POSTGRES_URL'),
        rabbitmqUrl: testEnv('TEST_RABBITMQ_URL'),
        keycloakUrl,
        keycloakPublicUrl: keycloakUrl,
      }),
    )
    service = supervise({
      name: 'gateway',
      home,
      env,
      watch: true,
      log: () => undefined,
      onError: () => undefined,
    })
    const isAlive = () => fetch(`${publicUrl}/health/live`).then(({ status }) => expect(status).toBe(200))
    const starts = () => readFileSync(logFile(home, 'gateway'), 'utf8').match(/"msg":"started"/g)?.length
    await eventually(isAlive, { timeoutMs: 20_000 })
    await eventually(() => expect(starts()).toBe(1))
    // The time of the file changes, its content does not.
    utimesSync(join(projectRoot, 'gateway', 'src', 'main.ts'), new Date(), new Date())
    await eventually(() => expect(starts()).toBe(2), { timeoutMs: 20_000 })
    await eventually(isAlive, { timeoutMs: 20_000 })
  }, 70_000)
})
