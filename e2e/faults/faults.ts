import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { databaseServices, services, valueFor } from '../services.ts'
import type { FaultSystem } from './fault-system.ts'
import type { AllowedFailures } from './fault-windows.ts'
import type { Random } from './random.ts'
import type { Replica } from './replica.ts'

/**
 * A fault to inject. `run` injects it, waits and restores normal operation. `allowed` lists the request failures that it may
 * cause. `restarts`: it replaces a process of a service or of the gateway.
 */
export type Fault = { label: string; allowed: AllowedFailures; restarts?: boolean; run(): Promise<void> }

/** The routes that may fail while a service is unavailable. */
const routes: Record<string, RegExp> = {
  'user-service': /^\/v1\/(users|auth)/,
  // Placing an order for a customer created a moment ago calls customer-service.
  'customer-service': /^\/v1\/(customers|orders)/,
  'media-service': /^\/v1\/(media|customers\/[^/]+\/photo)/,
  'order-service': /^\/v1\/(products|orders)/,
  'notification-service': /^\/v1\/notifications/,
  'activity-service': /^\/v1\/(events|audit|webhooks|customers\/[^/]+\/timeline)/,
}
const keycloakRoutes = valueFor(routes, 'user-service')
const everyRoute = /^\/v1\//
const noFailures: AllowedFailures = {}

const failuresOfKill = ({ service }: Replica): AllowedFailures =>
  service === 'gateway' ? { connections: true } : { routes: valueFor(routes, service) }

/**
 * Every fault once, unordered. Of the two replicas of a service, one gets SIGKILL and the other SIGTERM. `includeSlow` adds
 * the fault that takes half a minute.
 */
export const allFaults = (system: FaultSystem, random: Random, { includeSlow }: { includeSlow: boolean }): Fault[] => {
  const { servers, control } = system.backing
  const { proxies } = system

  const replicaFaults = services.flatMap((service): Fault[] => {
    const [first, second] = random.shuffle(system.replicas.filter((replica) => replica.service === service))
    if (!first || !second) throw new Error(`${service} needs two replicas`)
    return [
      {
        label: `kill -9 ${first.name}`,
        allowed: failuresOfKill(first),
        restarts: true,
        run: async () => {
          await first.kill()
          await pause(1_000)
          await first.start()
        },
      },
      {
        label: `SIGTERM ${second.name}`,
        allowed: noFailures,
        restarts: true,
        run: async () => {
          await second.terminate()
          await second.start()
        },
      },
    ]
  })

  const serviceOutage = (): Fault => {
    const service = random.pick(databaseServices)
    const allReplicas = system.replicas.filter((replica) => replica.service === service)
    return {
      label: `kill -9 all replicas of ${service}`,
      allowed: { routes: valueFor(routes, service) },
      restarts: true,
      run: async () => {
        await Promise.all(allReplicas.map((replica) => replica.kill()))
        await pause(1_500)
        await Promise.all(allReplicas.map((replica) => replica.start()))
      },
    }
  }

  const allowedOf = { postgres: { routes: everyRoute }, rabbitmq: noFailures, keycloak: { routes: keycloakRoutes } }
  const backingServiceFaults = (['postgres', 'rabbitmq', 'keycloak'] as const).flatMap((name): Fault[] =>
    (['kill', 'stop'] as const).map((how) => ({
      label: `${how === 'kill' ? 'kill -9' : 'SIGTERM'} ${name}`,
      allowed: allowedOf[name],
      run: async () => {
        await servers[name][how]()
        await pause(1_500)
        await servers[name].start()
      },
    })),
  )

  const databaseFault = (what: string, ms: number, inject: (service: string) => void): Fault => {
    const service = random.pick(databaseServices)
    return {
      label: `${what}, ${service}`,
      allowed: { routes: service === 'media-service' ? everyRoute : valueFor(routes, service) },
      run: async () => {
        inject(service)
        await pause(ms)
        valueFor(proxies.database, service).restore()
      },
    }
  }
  const brokerDisconnect = (): Fault => ({
    label: 'RabbitMQ connections of all services reset',
    allowed: noFailures,
    run: async () => {
      for (const proxy of Object.values(proxies.broker)) proxy.disconnect()
      await pause(4_000)
      for (const proxy of Object.values(proxies.broker)) proxy.restore()
    },
  })

  return [
    ...replicaFaults,
    serviceOutage(),
    ...backingServiceFaults,
    databaseFault('slow database (120 ms per chunk)', 6_000, (service) =>
      valueFor(proxies.database, service).delay(120),
    ),
    databaseFault('unresponsive database', 6_000, (service) => valueFor(proxies.database, service).stall()),
    databaseFault('database connections reset', 3_000, (service) => valueFor(proxies.database, service).disconnect()),
    brokerDisconnect(),
    // As when a database fails over without closing connections. Statements then time out after 15 s.
    ...(includeSlow
      ? [
          databaseFault('database connections blackholed', 20_000, (service) =>
            valueFor(proxies.database, service).blackhole(),
          ),
        ]
      : []),
    {
      label: 'locked table, exhausted pool',
      allowed: { routes: valueFor(routes, 'customer-service') },
      run: () => lockTable(valueFor(system.databases, 'customer-service').adminUrl, 'customers.customers', 8_000),
    },
    {
      label: 'RabbitMQ memory alarm',
      allowed: noFailures,
      run: async () => {
        await control(['set_vm_memory_high_watermark', 'absolute', '1MB'])
        await pause(4_000)
        await control(['set_vm_memory_high_watermark', 'absolute', '512MB'])
      },
    },
  ]
}

const lockTable = async (connectionString: string, table: string, ms: number): Promise<void> => {
  const locker = new pg.Client({ connectionString })
  locker.on('error', () => {})
  await locker.connect()
  try {
    await locker.query('begin')
    await locker.query(`lock table ${table} in access exclusive mode`)
    await pause(ms)
    await locker.query('commit')
  } finally {
    await locker.end().catch(() => {})
  }
}
