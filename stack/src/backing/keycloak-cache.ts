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

/** Where Keycloak stores its data: in its own H2 file or in PostgreSQL. */
export type KeycloakDatabase = 'dev-file' | 'postgres'

/** The options that are fixed when Keycloak is built. All others are given at its start. */
const buildOptions = (database: KeycloakDatabase) => [
  `--db=${database}`,
  '--cache=local',
  '--health-enabled=true',
  '--metrics-enabled=false',
]

/** JVM options for a small heap and a fast start. The class archive is only valid for these. */
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

/** The JVM arguments that run the Keycloak in `distribution` on the data in `home`. */
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

/** The file of the class archive. It is only valid for the Java that wrote it. */
export const classArchive = (distribution: string): string =>
  join(distribution, `classes-${fingerprint([javaIdentity(), ...javaOptions].join(' '))}.jsa`)

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

const distributionFolder = (database: KeycloakDatabase): string =>
  join(cacheFolder(), `keycloak-${keycloakVersion}-${fingerprint(buildOptions(database).join(' '))}`)

export const isKeycloakPrepared = (): boolean => existsSync(join(distributionFolder('dev-file'), 'built'))

/** Downloads and builds Keycloak at the first call; concurrent calls wait for it. @returns the folder of the distribution */
export const prepareKeycloak = async (
  log: (text: string) => void,
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
    log(`downloading Keycloak ${keycloakVersion} (only once)`)
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
    log('building Keycloak (only once)')
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
