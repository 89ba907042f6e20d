import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '@clientele/platform/runtime/config'
import type { Log } from '@clientele/platform/runtime/log'

/** `auto` uses bubblewrap if it works here, `required` does not start without it, `none` does not use it. */
export const sandboxModes = ['auto', 'required', 'none'] as const
export type SandboxMode = (typeof sandboxModes)[number]

/** Returns the command that runs a command in the sandbox. */
export type Sandbox = (command: readonly string[]) => string[]

const packageFolder = fileURLToPath(new URL('../../', import.meta.url))
const rootFolder = dirname(packageFolder)

const readOnly = (path: string): string[] => ['--ro-bind-try', path, path]

// What Node and the decoders need, and nothing else: no home folder, no settings, no data.
const paths = [
  '/usr',
  '/bin',
  '/lib',
  '/lib64',
  '/etc/ld.so.cache',
  dirname(process.execPath),
  join(rootFolder, 'node_modules'),
  packageFolder,
]

// Namespaces of its own for network, processes, users and IPC; no capabilities; an account that owns nothing.
const walls = [
  ['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--uid', '65534', '--gid', '65534'],
  ['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--chdir', '/'],
  // Last, because the project may be below /tmp.
  paths.flatMap(readOnly),
].flat()

const bubblewrap: Sandbox = (command) => ['bwrap', ...walls, '--', ...command]

/** @returns why bubblewrap does not work here; undefined if it works */
const failureOfBubblewrap = (): string | undefined => {
  const [program = '', ...args] = bubblewrap([process.execPath, '--version'])
  try {
    execFileSync(program, args, { timeout: 10_000, stdio: ['ignore', 'ignore', 'pipe'], env: {} })
    return undefined
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer }
    return code === 'ENOENT' ? 'it is not installed' : (stderr?.toString().trim().split('\n')[0] ?? String(error))
  }
}

/**
 * Returns the sandbox for the process that decodes images. In it, a process has no network, sees no other processes, and can
 * read only Node, the decoders and their code.
 * @throws ConfigError if the mode is `required` and bubblewrap does not work here
 */
export const createSandbox = (mode: SandboxMode, log: Log): Sandbox => {
  const failure = mode === 'none' ? undefined : failureOfBubblewrap()
  if (mode === 'required' && failure !== undefined)
    throw new ConfigError(`configuration: IMAGE_SANDBOX=required needs bubblewrap: ${failure}`)
  if (mode === 'none' || failure !== undefined) {
    if (failure !== undefined) log.warn({ reason: failure }, 'images are decoded without a sandbox (bubblewrap)')
    return (command) => [...command]
  }
  return bubblewrap
}
