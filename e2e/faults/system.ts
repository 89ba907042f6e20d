import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase, testEnv } from '@clientele/platform/testing/database'
import { freePorts } from '@clientele/stack/profile/ports'
import {
  addresses as addressVariables,
  at,
  calledFirst,
  type ServiceName,
  schemaOf,
  services,
  storing,
} from '../services.ts'
import { ownSettings } from '../settings.ts'
import { type Backing, startBackingParts } from './backing.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { createReplica, type Replica } from './replica.ts'
import { openWire, type Wire } from './wire.ts'

const root = new URL('../../', import.meta.url)
const letters = ['a', 'b']

/** Two replicas of everything behind balancers, each service's database and broker behind a wire that can be cut. */
export type FaultSystem = Awaited<ReturnType<typeof startFaultSystem>>

const throughWire = (url: string, port: number): string => Object.assign(new URL(url), { port: String(port) }).href

const entries = <V>(pairs: (readonly [ServiceName, V])[]): Record<ServiceName, V> => Object.fromEntries(pairs)

const startWires = async (broker: TestBroker, databases: Record<ServiceName, TestDatabase>) => ({
  broker: entries(
    await Promise.all(services.map(async (name) => [name, await openWire(Number(new URL(broker.url).port))] as const)),
  ),
  database: entries(
    await Promise.all(
      storing.map(async (name) => [name, await openWire(Number(new URL(at(databases, name).url).port))] as const),
    ),
  ),
})

/** `folder` takes the logs of all processes. */
export const startFaultSystem = async (folder: string) => {
  mkdirSync(folder, { recursive: true })
  const backing: Backing = await startBackingParts()
  const open: (() => Promise<void>)[] = [backing.close]
  const close = async () => {
    for (const end of open.toReversed()) await end().catch(() => {})
  }
  try {
    const broker = await testBroker()
    const databases = entries(
      await Promise.all(
        storing.map(async (name) => {
          const migrations = new URL(`${name}/migrations/`, root)
          return [name, await testDatabase({ schema: at(schemaOf, name), migrations })] as const
        }),
      ),
    )
    const wires = await startWires(broker, databases)
    const allWires: Wire[] = [...Object.values(wires.broker), ...Object.values(wires.database)]
    open.push(async () => void (await Promise.all(allWires.map((wire) => wire.close()))))

    const replicas: Replica[] = []
    open.push(async () => void (await Promise.all(replicas.map((replica) => replica.kill()))))
    const balancers: Balancer[] = []
    open.push(async () => void (await Promise.all(balancers.map((balancer) => balancer.close()))))
    const addresses = new Map<string, string>()
    const ports = await freePorts(services.length * letters.length * 2)

    const media = join(backing.home, 'media')
    // Each is told the addresses of those before it.
    for (const name of calledFirst()) {
      const env = environment(name, { backing, broker, wires, databases, addresses })
      const own = letters.map((letter) =>
        createReplica({
          service: name,
          letter,
          port: ports.pop() ?? 0,
          internalPort: ports.pop() ?? 0,
          env,
          logs: folder,
        }),
      )
      replicas.push(...own)
      const internal = own.map(({ healthUrl }) => ({ port: Number(new URL(healthUrl).port), healthUrl }))
      const [outer, inner] = await Promise.all([startBalancer(own), startBalancer(internal)])
      balancers.push(outer, inner)
      addresses.set(name, `http://127.0.0.1:${outer.port}`)
      addresses.set(`${name}:internal`, `http://127.0.0.1:${inner.port}`)
    }
    await Promise.all(replicas.map((replica) => replica.start()))
    return {
      backing,
      broker,
      wires,
      replicas,
      gateway: addresses.get('gateway') ?? '',
      databases,
      media,
      heal: () => {
        for (const wire of allWires) wire.heal()
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

type Place = {
  backing: Backing
  broker: TestBroker
  wires: Awaited<ReturnType<typeof startWires>>
  databases: Record<ServiceName, TestDatabase>
  addresses: Map<string, string>
}

const environment = (name: ServiceName, place: Place): NodeJS.ProcessEnv => {
  const keycloak = testEnv('TEST_KEYCLOAK_URL')
  const { wires, databases, addresses } = place
  const database =
    name === 'gateway' ? {} : { DATABASE_URL: throughWire(at(databases, name).url, at(wires.database, name).port) }
  return {
    PATH: process.env['PATH'],
    PROFILE: 'local',
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    INTERNAL_HOST: '127.0.0.1',
    RABBITMQ_URL: throughWire(place.broker.url, at(wires.broker, name).port),
    KEYCLOAK_URL: keycloak,
    KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
    // Longer than the balancer takes to notice that a replica is not ready any more.
    SHUTDOWN_PAUSE_MS: '3000',
    PUBLIC_URL: 'http://localhost:8000',
    ...database,
    // Small enough to be full when a table is locked.
    ...(name === 'customer-service' && { DATABASE_POOL_MAX: '4' }),
    ...addressVariables((service) => addresses.get(service)),
    ...ownSettings(name, { home: place.backing.home, publicUrl: 'http://localhost:8000' }),
    RECONCILE_INTERVAL_MS: '15000',
    RATE_LIMIT_USER: '1000000',
    RATE_LIMIT_ADDRESS: '1000000',
    RATE_LIMIT_AUTH: '1000000',
  }
}
