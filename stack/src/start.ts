import { setTimeout as pause } from 'node:timers/promises'
import { type Backing, chooseAll, keycloakAdminUser, realmEnvironment, startBacking } from './backing/backing.ts'
import type { Choice, Part } from './backing/choice.ts'
import { removeContainers } from './backing/docker.ts'
import { keycloakAdmin } from './backing/keycloak-admin.ts'
import { archiveKeycloakClasses } from './backing/keycloak-archive.ts'
import { provisionAndMigrate } from './backing/provision.ts'
import { isRealmPrepared, prepareRealm } from './backing/realm.ts'
import { summary } from './backing/start-summary.ts'
import { createDemoData } from './demo/demo-data.ts'
import { stopLeftovers } from './processes/child.ts'
import { releaseLauncherLock, takeLauncherLock } from './processes/launcher-lock.ts'
import { say, secondsSoFar } from './processes/progress.ts'
import { type Supervised, supervise } from './processes/supervisor.ts'
import { answers, waitFor } from './processes/wait.ts'
import { type PortName, takenPorts } from './profile/ports.ts'
import { type ServiceEnvironment, serviceEnv, services } from './profile/services.ts'
import { type Settings, settings } from './profile/settings.ts'

const watch = process.argv.includes('--watch')

const portsOf: Record<Part, PortName[]> = {
  postgres: ['POSTGRES_PORT'],
  rabbitmq: ['RABBITMQ_PORT', 'RABBITMQ_MANAGEMENT_PORT', 'RABBITMQ_METRICS_PORT'],
  keycloak: ['KEYCLOAK_PORT', 'KEYCLOAK_MANAGEMENT_PORT'],
}
const erlangPorts: PortName[] = ['RABBITMQ_EPMD_PORT', 'RABBITMQ_DISTRIBUTION_PORT']

const neededPorts = (choices: Record<Part, Choice>): PortName[] => [
  ...services.flatMap(({ port, internalPort }) => [port, internalPort]),
  'SMTP_PORT',
  'MAIL_PORT',
  ...(Object.keys(portsOf) as Part[]).flatMap((part) => (choices[part].kind === 'given' ? [] : portsOf[part])),
  ...(choices.rabbitmq.kind === 'local' ? erlangPorts : []),
]

// Accounts whose passwords everybody knows have no place in a Keycloak that others reach.
const isLocal = (url: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)

/** What runs now, in the order of its start; stopping goes the other way. */
const running: { backing?: Backing; services: Supervised[]; archive?: Promise<void> } = { services: [] }
const stopping = new AbortController()

const bringUp = async (here: Settings): Promise<void> => {
  const { home, ports, secrets, publicUrl, keycloakPublicUrl } = here
  const left = [...(await stopLeftovers(home)), ...(await removeContainers(home, { volumes: false }))]
  if (left.length > 0) say('start', `stopped what an interrupted start left behind: ${left.length} processes`)
  const choices = await chooseAll(say, home)
  const taken = await takenPorts(ports, neededPorts(choices))
  if (taken.length > 0) throw new Error(taken.join('\n'))

  const options = { home, ports, secrets, durable: true, publicUrl, keycloakPublicUrl, say, signal: stopping.signal }
  const backing = startBacking(options, choices)
  running.backing = backing
  const demo = isLocal(here.keycloakUrl)
  const migrated = backing.postgres.then(async ({ url }) => {
    for (const line of await provisionAndMigrate({ postgresUrl: url, secrets }, stopping.signal))
      say('migrations', line)
  })
  const realm = backing.keycloak.then(async ({ url }) => {
    const user = process.env.CLIENTELE_KEYCLOAK_ADMIN_USER ?? keycloakAdminUser
    const admin = await keycloakAdmin(url, user, secrets.keycloakAdmin).catch((error: Error) => {
      if (!isRealmPrepared(home)) throw error
      say('keycloak', `${error.message}: the realm stays as it is`)
    })
    if (admin) await prepareRealm(admin, realmEnvironment(options, choices.keycloak), { home, demo })
  })
  const parts = [backing.postgres, backing.rabbitmq, backing.keycloak, backing.mail] as const
  const [postgres, rabbitmq, keycloak, mail] = await Promise.all([...parts, migrated, realm])
  stopping.signal.throwIfAborted()

  const around: ServiceEnvironment = {
    home,
    ports,
    secrets,
    publicUrl,
    keycloakPublicUrl,
    postgresUrl: postgres.url,
    rabbitmqUrl: rabbitmq.url,
    keycloakUrl: keycloak.url,
  }
  say('services', services.map(({ name }) => name).join(', '))
  running.services = services.map((row) =>
    supervise({ name: row.name, home, env: serviceEnv(row, around), watch, say: (text) => say(row.name, text) }),
  )
  const gateway = `http://127.0.0.1:${ports.GATEWAY_PORT}`
  const ready = () => answers(`${gateway}/health/ready`)
  await waitFor(ready, { what: 'the gateway', timeoutMs: 120_000, everyMs: 200, signal: stopping.signal })
  say('services', 'ready')
  const made = !demo
    ? undefined
    : await createDemoData(gateway, home).catch((error: Error) => {
        say('demo data', `incomplete, the next start goes on with it: ${error.message}`)
      })
  stopping.signal.throwIfAborted()
  if (made && made.customers > 0)
    say('demo data', `${made.customers} customers with photos, ${made.products} products, ${made.orders} orders`)
  process.stdout.write(
    summary({
      ...here,
      mailUrl: mail.url,
      rabbitmqManaged: choices.rabbitmq.kind !== 'given',
      demo,
      seconds: secondsSoFar(),
    }),
  )
  if (choices.keycloak.kind === 'local')
    running.archive = archiveKeycloakClasses(home, stopping.signal).catch(() => undefined)
}

const stop = async (home: string): Promise<void> => {
  await Promise.allSettled(running.services.map((service) => service.stop()))
  await Promise.allSettled([running.backing?.stop(), running.archive])
  releaseLauncherLock(home)
}

const here = settings()
const holder = takeLauncherLock(here.home, here.publicUrl)
if (holder) {
  process.stdout.write(
    `Clientele already runs at ${holder.url ?? 'another address'} (process ${holder.pid}); nothing was changed.\n`,
  )
  process.exit(0)
}

const end = (why: string) => {
  if (stopping.signal.aborted) return
  stopping.abort(new Error(why))
  say('stop', why)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => end('stopping everything; data stays'))
// The bootstrap in front of us is gone without a word.
process.on('disconnect', () => end('the starting process is gone: stopping everything'))

const aborted = new Promise<undefined>((resolve) => {
  stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true })
})
const broughtUp = bringUp(here).then(
  () => undefined,
  (error: unknown) => (stopping.signal.aborted ? undefined : error),
)
const failed = await Promise.race([broughtUp, aborted])
if (failed) {
  process.stderr.write(`\n${failed instanceof Error ? failed.message : String(failed)}\n\n`)
} else if (!stopping.signal.aborted) {
  await aborted
}
await stop(here.home)
// Whatever the start was at has lost its ground by now; what it had begun must not outlive us.
await Promise.race([broughtUp, pause(5000)])
if (!failed) say('stop', 'stopped')
process.exit(failed ? 1 : 0)
