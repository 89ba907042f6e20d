import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, giveUpMs, logTail, startChild } from '../processes/child.ts'
import { projectRoot } from '../processes/folders.ts'
import { answers, waitFor } from '../processes/wait.ts'
import { javaCommand } from '../tools/java.ts'
import { classArchive, keycloakArgs, preparedKeycloak } from './keycloak-cache.ts'
import type { Running } from './postgres.ts'

export type KeycloakOptions = {
  home: string
  port: number
  managementPort: number
  /** The address that browsers use and tokens carry as issuer, without a path. */
  publicUrl: string
  adminUser: string
  adminPassword: string
  /** Values of the realm file's placeholders; they only count when the realm is imported, at the first start. */
  realmEnv: Record<string, string>
  say?: (text: string) => void
  /** Gives up the start. */
  signal?: AbortSignal
}

export const realmFile = join(projectRoot, 'deploy', 'keycloak', 'realm.json')

export const startKeycloak = async (options: KeycloakOptions): Promise<Running> => {
  const distribution = await preparedKeycloak(options.say ?? (() => undefined), options.signal)
  const archive = classArchive(distribution)
  const jvm = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
  const child = await launchKeycloak(options, { name: 'keycloak', distribution, jvm })
  return { url: `http://localhost:${options.port}`, stop: async () => void (await child.stop()) }
}

type Launching = {
  /** Of the process, its log and its folder. */
  name: string
  distribution: string
  jvm: string[]
}

/** Starts Keycloak on the data in the folder of that name, and waits until it is ready. */
export const launchKeycloak = async (
  options: KeycloakOptions,
  { name, distribution, jvm }: Launching,
): Promise<Child> => {
  const { home, port, managementPort, signal } = options
  const data = join(home, name)
  const firstStart = !existsSync(join(data, 'imported'))
  prepareHome(distribution, data, firstStart)
  const args = [
    'start',
    '--optimized',
    '--http-enabled=true',
    '--http-host=127.0.0.1',
    `--http-port=${port}`,
    `--http-management-port=${managementPort}`,
    `--hostname=${options.publicUrl}`,
    '--hostname-backchannel-dynamic=true',
    '--cache=local',
    '--log-level=info,org.keycloak.events:off,io.smallrye.health:off',
    ...(firstStart ? ['--import-realm'] : []),
  ]
  const child = await startChild({
    command: javaCommand(),
    args: keycloakArgs(distribution, data, args, [...jvm, '-Dquarkus.management.host=127.0.0.1']),
    name,
    home,
    cwd: data,
    env: environment(options),
  })
  const ready = `http://127.0.0.1:${managementPort}/health/ready`
  const wait = { what: 'Keycloak', timeoutMs: 180_000, everyMs: 150, until: child.exited, signal }
  await waitFor(() => answers(ready), wait).catch(async (error) => {
    await child.stop(giveUpMs)
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

/** A Keycloak home whose programs are the cache's and whose data is our own. */
const prepareHome = (distribution: string, data: string, firstStart: boolean): void => {
  // Without the mark the first start did not come to its end: the half-made database is made again.
  if (firstStart) rmSync(data, { recursive: true, force: true })
  mkdirSync(join(data, 'data', 'import'), { recursive: true, mode: 0o700 })
  linkPrograms(distribution, data)
  copyFileSync(realmFile, join(data, 'data', 'import', 'realm.json'))
}

/** Makes the folder a Keycloak home by links to the cache's programs. */
export const linkPrograms = (distribution: string, home: string): void => {
  for (const part of ['bin', 'conf', 'lib', 'providers', 'themes', 'version.txt']) {
    rmSync(join(home, part), { force: true })
    symlinkSync(join(distribution, part), join(home, part))
  }
}
