import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { waitFor } from './wait.ts'

const run = promisify(execFile)

const docker = async (args: string[], timeout = 60_000, env: NodeJS.ProcessEnv = process.env): Promise<string> =>
  (await run('docker', args, { timeout, env, maxBuffer: 16 << 20 })).stdout.trim()

/** Whether a Docker engine answers. */
export const dockerAnswers = async (): Promise<boolean> =>
  docker(['info', '--format', '{{.ServerVersion}}'], 10_000).then(
    (version) => version !== '',
    () => false,
  )

export type ContainerOptions = {
  home: string
  name: string
  image: string
  /** Container port by port of this machine; published on loopback only. */
  ports: Record<number, number>
  /** Path in the container of the volume that keeps the data. */
  volume: string
  /** Given by name, so that no value shows in a process list. */
  env: Record<string, string>
  mounts?: Record<string, string>
  args?: string[]
  say: (text: string) => void
}

export type Container = { id: string; exited: Promise<string>; stop: () => Promise<void>; logs: () => Promise<string> }

const label = 'org.clientele.home'
const nameOf = (home: string, name: string): string =>
  `clientele-${createHash('sha256').update(home).digest('hex').slice(0, 8)}-${name}`

/** Runs a container that is removed when it stops; its volume stays. */
export const startContainer = async (options: ContainerOptions): Promise<Container> => {
  const { home, image, say } = options
  const name = nameOf(home, options.name)
  if ((await docker(['images', '-q', image])) === '') {
    say(`pulling ${image}`)
    await docker(['pull', '-q', image], 600_000)
  }
  const flags = [
    '--detach',
    '--rm',
    '--name',
    name,
    '--label',
    `${label}=${home}`,
    '--volume',
    `${name}:${options.volume}`,
    '--add-host',
    'host.docker.internal:host-gateway',
    ...Object.entries(options.ports).flatMap(([outside, inside]) => ['--publish', `127.0.0.1:${outside}:${inside}`]),
    ...Object.entries(options.mounts ?? {}).flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
    ...Object.keys(options.env).flatMap((key) => ['--env', key]),
  ]
  const env = { ...process.env, ...options.env }
  const id = await docker(['run', ...flags, image, ...(options.args ?? [])], 120_000, env)
  const exited = docker(['wait', id], 2 ** 31 - 1).then(
    (code) => `code ${code}`,
    () => 'removed',
  )
  return {
    id,
    exited,
    logs: async () =>
      run('docker', ['logs', '--tail', '20', id], { timeout: 10_000 }).then(
        ({ stdout, stderr }) => stdout + stderr,
        () => '',
      ),
    stop: async () => {
      await docker(['stop', '--time', '20', id], 40_000).catch(() => docker(['rm', '-f', id]).catch(() => undefined))
      await exited
    },
  }
}

/** Waits for the container; a failure shows the end of its log and removes it. */
export const containerReady = (
  container: Container,
  what: string,
  ask: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<boolean> =>
  waitFor(ask, { what, timeoutMs: 300_000, everyMs: 300, until: container.exited, signal }).catch(async (error) => {
    const logs = await container.logs()
    await container.stop()
    throw new Error(`${error.message}\n${logs}`)
  })

/** Containers that an earlier launcher of this data folder left behind; volumes only with `volumes`. */
export const removeContainers = async (home: string, { volumes }: { volumes: boolean }): Promise<string[]> => {
  if (!(await dockerAnswers())) return []
  const ids = (await docker(['ps', '-aq', '--filter', `label=${label}=${home}`])).split('\n').filter(Boolean)
  for (const id of ids) await docker(['stop', '--time', '20', id], 40_000).catch(() => docker(['rm', '-f', id]))
  if (volumes) {
    for (const part of ['postgres', 'rabbitmq', 'keycloak'])
      await docker(['volume', 'rm', '-f', nameOf(home, part)]).catch(() => undefined)
  }
  return ids
}

/** The address at which containers reach this machine, where it is not loopback (Linux). */
export const bridgeAddress = async (): Promise<string | undefined> =>
  process.platform === 'linux'
    ? docker(['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}']).catch(() => undefined)
    : undefined
