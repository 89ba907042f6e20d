import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, failedStartTimeoutMs, logTail, startChild } from '../processes/child.ts'
import { projectRoot } from '../processes/folders.ts'
import { isResponding, waitFor } from '../processes/wait.ts'
import { hostInUrl, loopback } from '../profile/host.ts'
import { javaCommand } from '../tools/java.ts'
import { classArchive, keycloakArgs, prepareKeycloak } from './keycloak-cache.ts'
import type { ServiceHandle } from './postgres.ts'

export type KeycloakOptions = {
  home: string
  /** The address to listen on; default: loopback. */
  host?: string | undefined
  port: number
  managementPort: number
  /** The origin that browsers use and that tokens have in their issuer, such as `http://localhost:8080`. */
  publicUrl: string
  adminUser: string
  adminPassword: string
  /** The values of the realm file's placeholders. They are used when the realm is imported, at the first start. */
  realmEnv: Record<string, string>
  log?: (text: string) => void
  /** Aborts the start. */
  signal?: AbortSignal
}

const keycloakFolder = join(projectRoot, 'deploy', 'keycloak')
export const realmFile = join(keycloakFolder, 'realm.json')
/** Lists of passwords that the realm's policy refuses. */
export const passwordListsFolder = join(keycloakFolder, 'password-blacklists')

export const startKeycloak = async (options: KeycloakOptions): Promise<ServiceHandle> => {
  const distribution = await prepareKeycloak(options.log ?? (() => undefined), options.signal)
  const archive = classArchive(distribution)
  const jvm = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
  const child = await launchKeycloak(options, { name: 'keycloak', distribution, jvm })
  return { url: keycloakUrl(options), stop: async () => void (await child.stop()) }
}

/** The URL at which this machine reaches Keycloak. */
export const keycloakUrl = ({ host = loopback, port }: Pick<KeycloakOptions, 'host' | 'port'>): string =>
  `http://${hostInUrl(host)}:${port}`

type LaunchSettings = {
  /** The name of the process, its log and its folder. */
  name: string
  distribution: string
  jvm: string[]
}

/** Starts Keycloak on the data in `<home>/<name>` and waits until it is ready. */
export const launchKeycloak = async (
  options: KeycloakOptions,
  { name, distribution, jvm }: LaunchSettings,
): Promise<Child> => {
  const { home, port, managementPort, signal } = options
  const data = join(home, name)
  const firstStart = !existsSync(join(data, 'imported'))
  prepareHome(distribution, data, firstStart)
  const args = [
    'start',
    '--optimized',
    '--http-enabled=true',
    `--http-host=${options.host ?? loopback}`,
    `--http-port=${port}`,
    `--http-management-host=${loopback}`,
    `--http-management-port=${managementPort}`,
    `--hostname=${options.publicUrl}`,
    '--hostname-backchannel-dynamic=true',
    '--cache=local',
    '--log-level=info,org.keycloak.events:off,io.smallrye.health:off',
    ...(firstStart ? ['--import-realm'] : []),
  ]
  const child = await startChild({
    command: javaCommand(),
    args: keycloakArgs(distribution, data, args, jvm),
    name,
    home,
    cwd: data,
    env: environment(options),
  })
  const ready = `http://127.0.0.1:${managementPort}/health/ready`
  const wait = { name: 'Keycloak', timeoutMs: 180_000, intervalMs: 150, exited: child.exited, signal }
  await waitFor(() => isResponding(ready), wait).catch(async (error) => {
    await child.stop(failedStartTimeoutMs)
    throw new Error(`${error.message}\n${logTail(home, name, 25)}`)
  })
  writeFileSync(join(data, 'imported'), '')
  return child
}

const environment = (options: KeycloakOptions): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  ...(process.env.JAVA_HOME ? { JAVA_HOME: process.env.JAVA_HOME } : {}),
  KC_BOOTSTRAP_ADMIN_USERNAME: options.adminUser,
  KC_BOOTSTRAP_ADMIN_PASSWORD: options.adminPassword,
  ...options.realmEnv,
})

/** Prepares a Keycloak home with its own data and links to the programs in the cache. */
const prepareHome = (distribution: string, data: string, firstStart: boolean): void => {
  // The first start did not finish, so its half-created database is removed.
  if (firstStart) rmSync(data, { recursive: true, force: true })
  mkdirSync(join(data, 'data', 'import'), { recursive: true, mode: 0o700 })
  linkPrograms(distribution, data)
  copyFileSync(realmFile, join(data, 'data', 'import', 'realm.json'))
}

/** Links the programs in the cache into a Keycloak home, and copies the lists of passwords: without them no realm loads. */
export const linkPrograms = (distribution: string, home: string): void => {
  for (const entry of ['bin', 'conf', 'lib', 'providers', 'themes', 'version.txt']) {
    rmSync(join(home, entry), { force: true })
    symlinkSync(join(distribution, entry), join(home, entry))
  }
  cpSync(passwordListsFolder, join(home, 'data', 'password-blacklists'), { recursive: true })
}
