import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase, testEnv } from '@clientele/platform/testing/database'
import { freePorts } from '@clientele/stack/profile/ports'
import { createBrokerAccounts } from '../broker-accounts.ts'
import { serviceSettings } from '../service-settings.ts'
import {
  serviceUrls as addressVariables,
  databaseServices,
  type ServiceName,
  schemaOf,
  services,
  startOrder,
  valueFor,
} from '../services.ts'
import { type BackingServices, startBackingServices } from './backing-services.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { createReplica, type Replica } from './replica.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const root = new URL('../../', import.meta.url)
const letters = ['a', 'b']

/** Two replicas of every service behind balancers. Each service reaches its database and RabbitMQ through its own TCP proxy. */
export type FaultSystem = Awaited<ReturnType<typeof startFaultSystem>>

const viaProxy = (url: string, port: number): string => Object.assign(new URL(url), { port: String(port) }).href

const recordFrom = <V>(pairs: (readonly [ServiceName, V])[]): Record<ServiceName, V> => Object.fromEntries(pairs)

const startProxies = async (broker: TestBroker, databases: Record<ServiceName, TestDatabase>) => ({
  broker: recordFrom(
    await Promise.all(
      services.map(async (name) => [name, await startTcpProxy(Number(new URL(broker.url).port))] as const),
    ),
  ),
  database: recordFrom(
    await Promise.all(
      databaseServices.map(
        async (name) => [name, await startTcpProxy(Number(new URL(valueFor(databases, name).url).port))] as const,
      ),
    ),
  ),
})

/** Starts the system. The logs of all processes go to `folder`. */
export const startFaultSystem = async (folder: string) => {
  mkdirSync(folder, { recursive: true })
  const backing: BackingServices = await startBackingServices()
  const open: (() => Promise<void>)[] = [backing.close]
  const close = async () => {
    for (const end of open.toReversed()) await end().catch(() => {})
  }
  try {
    const broker = await testBroker()
    const databases = recordFrom(
      await Promise.all(
        databaseServices.map(async (name) => {
          const migrations = new URL(`${name}/migrations/`, root)
          return [name, await testDatabase({ schema: valueFor(schemaOf, name), migrations })] as const
        }),
      ),
    )
    const accounts = await createBrokerAccounts(broker.url)
    const proxies = await startProxies(broker, databases)
    const allProxies: TcpProxy[] = [...Object.values(proxies.broker), ...Object.values(proxies.database)]
    open.push(async () => void (await Promise.all(allProxies.map((proxy) => proxy.close()))))

    const replicas: Replica[] = []
    open.push(async () => void (await Promise.all(replicas.map((replica) => replica.kill()))))
    const balancers: Balancer[] = []
    open.push(async () => void (await Promise.all(balancers.map((balancer) => balancer.close()))))
    const addresses = new Map<string, string>()
    const ports = await freePorts(services.length * letters.length * 2)

    const media = join(backing.home, 'media')
    // A service gets the addresses of the services that were started before it.
    for (const name of startOrder()) {
      const env = environment(name, { backing, accounts, proxies, databases, addresses })
      const serviceReplicas = letters.map((letter) =>
        createReplica({
          service: name,
          letter,
          port: ports.pop() ?? 0,
          internalPort: ports.pop() ?? 0,
          env,
          logs: folder,
        }),
      )
      replicas.push(...serviceReplicas)
      const internal = serviceReplicas.map(({ healthUrl }) => ({ port: Number(new URL(healthUrl).port), healthUrl }))
      const [outer, inner] = await Promise.all([startBalancer(serviceReplicas), startBalancer(internal)])
      balancers.push(outer, inner)
      addresses.set(name, `http://127.0.0.1:${outer.port}`)
      addresses.set(`${name}:internal`, `http://127.0.0.1:${inner.port}`)
    }
    await Promise.all(replicas.map((replica) => replica.start()))
    return {
      backing,
      broker,
      proxies,
      replicas,
      gateway: addresses.get('gateway') ?? '',
      databases,
      media,
      restore: () => {
        for (const proxy of allProxies) proxy.restore()
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

type SystemContext = {
  backing: BackingServices
  accounts: Awaited<ReturnType<typeof createBrokerAccounts>>
  proxies: Awaited<ReturnType<typeof startProxies>>
  databases: Record<ServiceName, TestDatabase>
  addresses: Map<string, string>
}

const environment = (name: ServiceName, context: SystemContext): NodeJS.ProcessEnv => {
  const keycloak = testEnv('TEST_KEYCLOAK_URL')
  const { proxies, databases, addresses } = context
  const database =
    name === 'gateway'
      ? {}
      : { DATABASE_URL: viaProxy(valueFor(databases, name).url, valueFor(proxies.database, name).port) }
  return {
    PATH: process.env['PATH'],
    PROFILE: 'local',
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    INTERNAL_HOST: '127.0.0.1',
    RABBITMQ_URL: viaProxy(context.accounts.url(name), valueFor(proxies.broker, name).port),
    KEYCLOAK_URL: keycloak,
    KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
    // Longer than a balancer takes to notice that a replica is no longer ready.
    SHUTDOWN_PAUSE_MS: '3000',
    PUBLIC_URL: 'http://localhost:8000',
    ...database,
    // Small enough to be exhausted while a table is locked.
    ...(name === 'customer-service' && { DATABASE_POOL_MAX: '4' }),
    ...addressVariables((service) => addresses.get(service)),
    ...serviceSettings(name, { home: context.backing.home, publicUrl: 'http://localhost:8000' }),
    RECONCILE_INTERVAL_MS: '15000',
    RATE_LIMIT_USER: '1000000',
    RATE_LIMIT_ADDRESS: '1000000',
    RATE_LIMIT_AUTH: '1000000',
    RATE_LIMIT_REFRESH: '1000000',
  }
}
