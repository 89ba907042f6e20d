import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { at, services, storing } from '../services.ts'
import type { Random } from './random.ts'
import type { Replica } from './replica.ts'
import type { FaultSystem } from './system.ts'
import type { Cost } from './windows.ts'

/** Something that goes wrong, from its beginning until all is right again. `restarts`: a process of ours is new after it. */
export type Fault = { label: string; cost: Cost; restarts?: boolean; run(): Promise<void> }

/** What of the API may fail while a service is away. */
const routes: Record<string, RegExp> = {
  'user-service': /^\/v1\/(users|auth)/,
  // An order for a customer of this moment asks customer-service.
  'customer-service': /^\/v1\/(customers|orders)/,
  'media-service': /^\/v1\/(media|customers\/[^/]+\/photo)/,
  'order-service': /^\/v1\/(products|orders)/,
  'notification-service': /^\/v1\/notifications/,
}
const keycloakRoutes = at(routes, 'user-service')
const everywhere = /^\/v1\//
const nothing: Cost = {}

const killCost = ({ service }: Replica): Cost =>
  service === 'gateway' ? { connections: true } : { routes: at(routes, service) }

/**
 * Every fault once, in no order: of the two replicas of a service each dies in one way. `patient` adds what takes half a
 * minute to be over.
 */
export const allFaults = (system: FaultSystem, random: Random, { patient }: { patient: boolean }): Fault[] => {
  const { parts, control } = system.backing
  const { wires } = system

  const ofReplicas = services.flatMap((service): Fault[] => {
    const [first, second] = random.shuffled(system.replicas.filter((replica) => replica.service === service))
    if (!first || !second) throw new Error(`${service} needs two replicas`)
    return [
      {
        label: `kill -9 ${first.name}`,
        cost: killCost(first),
        restarts: true,
        run: async () => {
          await first.kill()
          await pause(1_000)
          await first.start()
        },
      },
      {
        label: `SIGTERM ${second.name}`,
        cost: nothing,
        restarts: true,
        run: async () => {
          await second.terminate()
          await second.start()
        },
      },
    ]
  })

  const outage = (): Fault => {
    const service = random.pick(storing)
    const all = system.replicas.filter((replica) => replica.service === service)
    return {
      label: `kill -9 of all of ${service}`,
      cost: { routes: at(routes, service) },
      restarts: true,
      run: async () => {
        await Promise.all(all.map((replica) => replica.kill()))
        await pause(1_500)
        await Promise.all(all.map((replica) => replica.start()))
      },
    }
  }

  const costOf = { postgres: { routes: everywhere }, rabbitmq: nothing, keycloak: { routes: keycloakRoutes } }
  const ofParts = (['postgres', 'rabbitmq', 'keycloak'] as const).flatMap((name): Fault[] =>
    (['kill', 'stop'] as const).map((how) => ({
      label: `${how === 'kill' ? 'kill -9' : 'SIGTERM'} ${name}`,
      cost: costOf[name],
      run: async () => {
        await parts[name][how]()
        await pause(1_500)
        await parts[name].start()
      },
    })),
  )

  const onDatabase = (what: string, ms: number, begin: (service: string) => void): Fault => {
    const service = random.pick(storing)
    return {
      label: `${what} of ${service}`,
      cost: { routes: service === 'media-service' ? everywhere : at(routes, service) },
      run: async () => {
        begin(service)
        await pause(ms)
        at(wires.database, service).heal()
      },
    }
  }
  const cutBroker = (): Fault => ({
    label: 'cut to the broker, of every service',
    cost: nothing,
    run: async () => {
      for (const wire of Object.values(wires.broker)) wire.cut()
      await pause(4_000)
      for (const wire of Object.values(wires.broker)) wire.heal()
    },
  })

  return [
    ...ofReplicas,
    outage(),
    ...ofParts,
    onDatabase('slow database', 6_000, (service) => at(wires.database, service).delay(120)),
    onDatabase('silent database', 6_000, (service) => at(wires.database, service).stall()),
    onDatabase('cut to the database', 3_000, (service) => at(wires.database, service).cut()),
    cutBroker(),
    // A database that failed over without a word: statements end after 15 s of silence.
    ...(patient ? [onDatabase('lost connections', 20_000, (service) => at(wires.database, service).strand())] : []),
    {
      label: 'locked table, full pool',
      cost: { routes: at(routes, 'customer-service') },
      run: () => holdTable(at(system.databases, 'customer-service').adminUrl, 'customers.customers', 8_000),
    },
    {
      label: 'memory alarm of the broker',
      cost: nothing,
      run: async () => {
        await control(['set_vm_memory_high_watermark', 'absolute', '1MB'])
        await pause(4_000)
        await control(['set_vm_memory_high_watermark', 'absolute', '512MB'])
      },
    },
  ]
}

const holdTable = async (connectionString: string, table: string, ms: number): Promise<void> => {
  const holder = new pg.Client({ connectionString })
  holder.on('error', () => {})
  await holder.connect()
  try {
    await holder.query('begin')
    await holder.query(`lock table ${table} in access exclusive mode`)
    await pause(ms)
    await holder.query('commit')
  } finally {
    await holder.end().catch(() => {})
  }
}
