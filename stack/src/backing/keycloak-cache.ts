import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withFolderLock } from '../processes/folder-lock.ts'
import { cacheFolder } from '../processes/folders.ts'
import { javaCommand, javaIdentity } from '../tools/java.ts'

const run = promisify(execFile)

export const keycloakVersion = '26.7.4'

/** Keycloak's data are in a file of its own, or in a PostgreSQL. */
export type KeycloakDatabase = 'dev-file' | 'postgres'

/** What is fixed when Keycloak is built; everything else is given at start. */
const buildOptions = (database: KeycloakDatabase) => [
  `--db=${database}`,
  '--cache=local',
  '--health-enabled=true',
  '--metrics-enabled=false',
]

/** Options of every JVM that runs Keycloak here: small heap, quick start. The class archive depends on them. */
export const javaOptions = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xms64m',
  '-Xmx384m',
  '-XX:MaxMetaspaceSize=256m',
  '-Xshare:auto',
  '-XX:+ExitOnOutOfMemoryError',
  '-Dfile.encoding=UTF-8',
  '-Djava.security.egd=file:/dev/urandom',
  '-Duser.language=en',
  '-Duser.country=US',
  '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
  '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
  '-Dpicocli.disable.closures=true',
  '--add-opens=java.base/java.util=ALL-UNNAMED',
  '--add-opens=java.base/java.util.concurrent=ALL-UNNAMED',
  '--add-opens=java.base/java.security=ALL-UNNAMED',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
]

/** The command line that runs the Keycloak of `distribution` on the data below `home`. */
export const keycloakArgs = (distribution: string, home: string, args: string[], more: string[] = []): string[] => [
  ...javaOptions,
  ...more,
  `-Dkc.home.dir=${home}`,
  `-Djboss.server.config.dir=${join(home, 'conf')}`,
  '-cp',
  join(distribution, 'lib', 'quarkus-run.jar'),
  'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
  ...args,
]

/** The archive of loaded classes, which only suits the Java that wrote it. */
export const classArchive = (distribution: string): string =>
  join(distribution, `classes-${fingerprint([javaIdentity(), ...javaOptions].join(' '))}.jsa`)

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

const distributionFolder = (database: KeycloakDatabase): string =>
  join(cacheFolder(), `keycloak-${keycloakVersion}-${fingerprint(buildOptions(database).join(' '))}`)

export const isKeycloakPrepared = (): boolean => existsSync(join(distributionFolder('dev-file'), 'built'))

/** Fetches and builds Keycloak once; later calls return at once. Two at the same time wait for each other. */
export const preparedKeycloak = async (
  say: (text: string) => void,
  signal?: AbortSignal,
  database: KeycloakDatabase = 'dev-file',
): Promise<string> => {
  const folder = distributionFolder(database)
  const finished = join(folder, 'built')
  if (existsSync(finished)) return folder
  mkdirSync(cacheFolder(), { recursive: true })
  return withFolderLock(`${folder}.lock`, async () => {
    if (existsSync(finished)) return folder
    rmSync(folder, { recursive: true, force: true })
    const part = `${folder}.part`
    rmSync(part, { recursive: true, force: true })
    say(`fetching Keycloak ${keycloakVersion} (once)`)
    await run(
      'mvn',
      [
        '-B',
        '-q',
        'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack',
        `-Dartifact=org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`,
        `-DoutputDirectory=${part}`,
        `-Dproject.basedir=${part}`,
      ],
      { cwd: cacheFolder(), timeout: 600_000, maxBuffer: 16 << 20, signal },
    )
    renameSync(join(part, `keycloak-${keycloakVersion}`), folder)
    rmSync(part, { recursive: true, force: true })
    say('building Keycloak (once)')
    await run(javaCommand(), keycloakArgs(folder, folder, ['build', ...buildOptions(database)]), {
      cwd: folder,
      timeout: 600_000,
      maxBuffer: 16 << 20,
      signal,
    })
    writeFileSync(finished, '')
    return folder
  })
}
