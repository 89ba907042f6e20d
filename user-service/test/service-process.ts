import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { eventually } from '@clientele/platform/testing/wait'
import { secrets } from './realm.ts'
import type { UsersService } from './users-service.ts'

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts user-service as a process of its own, which can be killed, beside `users`. It reaches Keycloak at `keycloakUrl`. */
export const startServiceProcess = async (users: UsersService, keycloakUrl: string) => {
  const [port, internalPort] = [await freePort(), await freePort()]
  const { config } = users
  const child = spawn(process.execPath, [new URL('../src/main.ts', import.meta.url).pathname], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      PROFILE: 'local',
      LOG_LEVEL: process.env['TEST_LOG'] ?? 'silent',
      HOST: '127.0.0.1',
      PORT: String(port),
      INTERNAL_HOST: '127.0.0.1',
      INTERNAL_PORT: String(internalPort),
      RABBITMQ_URL: config.rabbitmqUrl,
      DATABASE_URL: config.databaseUrl,
      KEYCLOAK_URL: keycloakUrl,
      KEYCLOAK_ISSUER: config.keycloakIssuer,
      KEYCLOAK_CLIENT_SECRET: secrets.CLIENTELE_USER_SERVICE_SECRET,
      LOGIN_CLIENT_SECRET: secrets.CLIENTELE_LOGIN_SECRET,
      PUBLIC_URL: config.publicUrl,
      SIGNUP_ENABLED: 'true',
    },
  })
  const exited = once(child, 'exit')
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${internalPort}/health/ready`, {
      signal: AbortSignal.timeout(3_000),
    })
    if (!response.ok) throw new Error(await response.text())
  }
  await eventually(ready, { timeoutMs: 60_000, everyMs: 200 })
  return {
    url: `http://127.0.0.1:${port}`,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
