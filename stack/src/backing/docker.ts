import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../processes/wait.ts'
import { loopback } from '../profile/host.ts'
import { isFree } from '../profile/ports.ts'

type DockerCallOptions = {
  timeout?: number
  env?: NodeJS.ProcessEnv
  cwd?: string
  signal?: AbortSignal
  withStderr?: boolean
}

const maxOutputChars = 1 << 20

/**
 * Runs the `docker` client and returns its stdout, with `both` its stderr too. It runs in its own session, so that Ctrl-C does
 * not interrupt it while it creates or stops a container. @throws Error with its stderr, or after `timeout` ms
 */
export const docker = (
  args: string[],
  { timeout = 60_000, env, cwd, signal, withStderr = false }: DockerCallOptions = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    const child = spawn('docker', args, { detached: true, stdio, env, cwd, timeout, signal })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-maxOutputChars)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-maxOutputChars)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve((withStderr ? stdout + stderr : stdout).trim())
      else reject(new Error(`docker ${args[0]} failed: ${stderr.trim() || `timed out after ${timeout / 1000} s`}`))
    })
  })

/** Whether a Docker engine responds. */
export const isDockerAvailable = async (): Promise<boolean> =>
  docker(['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000 }).then(
    (version) => version !== '',
    () => false,
  )

export type ContainerOptions = {
  home: string
  name: string
  image: string
  /** Port of this machine → port of the container. */
  ports: Record<number, number>
  /** The address on which each port of this machine is published; default: loopback. */
  listenHosts?: Record<number, string | undefined>
  /** The path in the container at which the data volume is mounted. */
  volume: string
  /** Passed to `docker run` by name, so that no value appears in a process list. */
  env: Record<string, string>
  mounts?: Record<string, string>
  args?: string[]
  log: (text: string) => void
  signal?: AbortSignal
}

export type Container = {
  exited: Promise<string>
  /** Stops the container, by force after `seconds` (default 20). Some containers ignore signals while they start. */
  stop: (seconds?: number) => Promise<void>
  logs: () => Promise<string>
  /** Records that the data in the volume is complete. */
  markComplete: () => void
}

const services = ['postgres', 'rabbitmq', 'keycloak']
/** The host name under which containers reach this machine. */
export const dockerHostName = 'host.docker.internal'

const homeLabel = 'org.clientele.home'
const containerName = (home: string, name: string): string =>
  `clientele-${createHash('sha256').update(home).digest('hex').slice(0, 8)}-${name}`

/** The file that marks a service's data in Docker as complete. An interrupted first start leaves none. */
export const markerFile = (home: string, name: string): string => join(home, 'docker', name)

/** Starts a container. `stop` removes the container and keeps its volume. */
export const startContainer = async (options: ContainerOptions): Promise<Container> => {
  const { home, image, log, signal } = options
  const name = containerName(home, options.name)
  if ((await docker(['images', '-q', image])) === '') {
    log(`pulling ${image}`)
    await docker(['pull', '-q', image], { timeout: 900_000, signal })
  }
  // Images create their accounts only in an empty volume, so the volume of an interrupted first start is removed.
  if (!existsSync(markerFile(home, options.name))) await docker(['volume', 'rm', '-f', name])
  signal?.throwIfAborted()
  const flags = [
    '--detach',
    '--name',
    name,
    '--label',
    `${homeLabel}=${home}`,
    '--volume',
    `${name}:${options.volume}`,
    '--add-host',
    `${dockerHostName}:host-gateway`,
    ...Object.entries(options.ports).flatMap(([outside, inside]) => {
      const host = options.listenHosts?.[Number(outside)] ?? loopback
      return ['--publish', `${host.includes(':') ? `[${host}]` : host}:${outside}:${inside}`]
    }),
    ...Object.entries(options.mounts ?? {}).flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
    ...Object.keys(options.env).flatMap((key) => ['--env', key]),
  ]
  const env = { ...process.env, ...options.env }
  const id = await docker(['run', ...flags, image, ...(options.args ?? [])], { timeout: 120_000, env }).catch(
    async (error) => {
      // A container that could not start, for example because its port is taken, exists all the same.
      await removeContainer(name).catch(() => undefined)
      throw error
    },
  )
  const exited = docker(['wait', id], { timeout: 2 ** 31 - 1 }).then(
    (code) => `code ${code}`,
    () => 'removed',
  )
  return {
    exited,
    logs: () => docker(['logs', '--tail', '20', id], { timeout: 10_000, withStderr: true }).catch(() => ''),
    stop: async (seconds) => {
      await removeContainer(id, seconds)
      await exited
    },
    markComplete: () => {
      mkdirSync(join(home, 'docker'), { recursive: true })
      writeFileSync(markerFile(home, options.name), '')
    },
  }
}

/** Stops a container, by force after `seconds`, and removes it. */
const removeContainer = async (container: string, seconds = 20): Promise<void> => {
  await docker(['stop', '-t', String(seconds), container], { timeout: 40_000 }).catch(() => undefined)
  await docker(['rm', '-f', '-v', container])
}

/** Waits until the service in the container is ready. A failure removes the container. @throws Error with the end of its log */
export const waitForContainer = async (
  container: Container,
  name: string,
  isReady: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> => {
  const wait = { name, timeoutMs: 300_000, intervalMs: 300, exited: container.exited, signal }
  await waitFor(isReady, wait).catch(async (error) => {
    const logs = await container.logs()
    await container.stop(3)
    throw new Error(`${error.message}\n${logs}`)
  })
  container.markComplete()
}

/**
 * Removes the containers that an earlier launcher of this data folder left behind, with `volumes` also their data.
 * @returns the ids of the containers
 */
export const removeContainers = async (home: string, { volumes }: { volumes: boolean }): Promise<string[]> => {
  if (!(await isDockerAvailable())) return []
  const ids = (await docker(['ps', '-aq', '--filter', `label=${homeLabel}=${home}`])).split('\n').filter(Boolean)
  await Promise.all(ids.map((id) => removeContainer(id)))
  if (volumes) await docker(['volume', 'rm', '-f', ...services.map((name) => containerName(home, name))])
  return ids
}

/** The address at which containers reach this machine: Docker's bridge on Linux, undefined if loopback is enough. */
export const bridgeAddress = async (): Promise<string | undefined> => {
  const gateway = '{{(index .IPAM.Config 0).Gateway}}'
  const address = await docker(['network', 'inspect', 'bridge', '--format', gateway]).catch(() => undefined)
  // Docker Desktop has its bridge inside a virtual machine and forwards containers to our loopback.
  return address && (await isFree(0, address)) ? address : undefined
}
