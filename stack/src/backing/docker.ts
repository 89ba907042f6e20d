import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../processes/wait.ts'
import { isFree } from '../profile/ports.ts'

type Call = { timeout?: number; env?: NodeJS.ProcessEnv; cwd?: string; signal?: AbortSignal; both?: boolean }

const maxOutput = 1 << 20

/** What the client printed. In a session of its own: Ctrl-C must not cut it off while it makes or stops a container. */
export const docker = (
  args: string[],
  { timeout = 60_000, env, cwd, signal, both = false }: Call = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    const child = spawn('docker', args, { detached: true, stdio, env, cwd, timeout, signal })
    let out = ''
    let problem = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out = (out + text).slice(-maxOutput)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      problem = (problem + text).slice(-maxOutput)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve((both ? out + problem : out).trim())
      else
        reject(new Error(`docker ${args[0]} failed: ${problem.trim() || `it was given up after ${timeout / 1000} s`}`))
    })
  })

/** Whether a Docker engine answers. */
export const dockerAnswers = async (): Promise<boolean> =>
  docker(['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000 }).then(
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
  signal?: AbortSignal
}

export type Container = {
  exited: Promise<string>
  /** With less time than usual for one that never got ready: some do not listen to signals while they start. */
  stop: (seconds?: number) => Promise<void>
  logs: () => Promise<string>
  /** Says that what the volume holds is whole. */
  keep: () => void
}

const parts = ['postgres', 'rabbitmq', 'keycloak']
/** The name of this machine in containers. */
export const thisMachine = 'host.docker.internal'

const label = 'org.clientele.home'
const nameOf = (home: string, name: string): string =>
  `clientele-${createHash('sha256').update(home).digest('hex').slice(0, 8)}-${name}`

/** The file that says that a part's data are whole, and in Docker; an interrupted first start leaves none. */
export const markOf = (home: string, part: string): string => join(home, 'docker', part)

/** Runs a container; `stop` removes it, and its volume stays. */
export const startContainer = async (options: ContainerOptions): Promise<Container> => {
  const { home, image, say, signal } = options
  const name = nameOf(home, options.name)
  if ((await docker(['images', '-q', image])) === '') {
    say(`pulling ${image}`)
    await docker(['pull', '-q', image], { timeout: 900_000, signal })
  }
  // A half-made volume would never get its accounts: images only make them in an empty one.
  if (!existsSync(markOf(home, options.name))) await docker(['volume', 'rm', '-f', name])
  signal?.throwIfAborted()
  const flags = [
    '--detach',
    '--name',
    name,
    '--label',
    `${label}=${home}`,
    '--volume',
    `${name}:${options.volume}`,
    '--add-host',
    `${thisMachine}:host-gateway`,
    ...Object.entries(options.ports).flatMap(([outside, inside]) => ['--publish', `127.0.0.1:${outside}:${inside}`]),
    ...Object.entries(options.mounts ?? {}).flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
    ...Object.keys(options.env).flatMap((key) => ['--env', key]),
  ]
  const env = { ...process.env, ...options.env }
  const id = await docker(['run', ...flags, image, ...(options.args ?? [])], { timeout: 120_000, env }).catch(
    async (error) => {
      // A container that could not be started, for a port say, is there all the same.
      await remove(name).catch(() => undefined)
      throw error
    },
  )
  const exited = docker(['wait', id], { timeout: 2 ** 31 - 1 }).then(
    (code) => `code ${code}`,
    () => 'removed',
  )
  return {
    exited,
    logs: () => docker(['logs', '--tail', '20', id], { timeout: 10_000, both: true }).catch(() => ''),
    stop: async (seconds) => {
      await remove(id, seconds)
      await exited
    },
    keep: () => {
      mkdirSync(join(home, 'docker'), { recursive: true })
      writeFileSync(markOf(home, options.name), '')
    },
  }
}

/** Stops a container in order, as far as it lets itself be stopped, and removes it. */
const remove = async (container: string, seconds = 20): Promise<void> => {
  await docker(['stop', '-t', String(seconds), container], { timeout: 40_000 }).catch(() => undefined)
  await docker(['rm', '-f', '-v', container])
}

/** Waits for the container; a failure shows the end of its log and removes it. */
export const containerReady = async (
  container: Container,
  what: string,
  ask: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> => {
  const wait = { what, timeoutMs: 300_000, everyMs: 300, until: container.exited, signal }
  await waitFor(ask, wait).catch(async (error) => {
    const logs = await container.logs()
    await container.stop(3)
    throw new Error(`${error.message}\n${logs}`)
  })
  container.keep()
}

/** Containers that an earlier launcher of this data folder left behind; volumes only with `volumes`. */
export const removeContainers = async (home: string, { volumes }: { volumes: boolean }): Promise<string[]> => {
  if (!(await dockerAnswers())) return []
  const ids = (await docker(['ps', '-aq', '--filter', `label=${label}=${home}`])).split('\n').filter(Boolean)
  await Promise.all(ids.map((id) => remove(id)))
  if (volumes) await docker(['volume', 'rm', '-f', ...parts.map((part) => nameOf(home, part))])
  return ids
}

/** The address at which containers reach this machine, where that is another than loopback (an engine on this Linux). */
export const bridgeAddress = async (): Promise<string | undefined> => {
  const gateway = '{{(index .IPAM.Config 0).Gateway}}'
  const address = await docker(['network', 'inspect', 'bridge', '--format', gateway]).catch(() => undefined)
  // An engine in a virtual machine has its bridge there, and leads containers to our loopback.
  return address && (await isFree(0, address)) ? address : undefined
}
