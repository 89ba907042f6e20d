import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePorts, type Ports, portNames } from '@clientele/stack/profile/ports'

const root = resolve(import.meta.dirname, '..')

/** Finds a free port for each port of the product. */
export const freeProductPorts = async (): Promise<Ports> => {
  const free = await freePorts(portNames.length)
  return Object.fromEntries(portNames.map((name, index) => [name, free[index]])) as Ports
}

/** The environment for `npm start`: its own ports and data folder, and no variable of the test run. */
export const productEnv = (home: string, ports: Ports): NodeJS.ProcessEnv => {
  const { PATH, HOME, XDG_CACHE_HOME, JAVA_HOME, LANG } = process.env
  const portSettings = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  return { PATH, HOME, XDG_CACHE_HOME, JAVA_HOME, LANG, CLIENTELE_HOME: home, ...portSettings }
}

export type NpmProcess = {
  child: ChildProcess
  output: () => string
  /** Resolves once the output contains `text`. Rejects if the process exits first or after `timeoutMs`. */
  waitForOutput: (text: string, timeoutMs: number) => Promise<void>
  /** Resolves to the exit code. */
  exited: Promise<number | null>
  /** Sends SIGINT to the whole process group, as Ctrl-C does. */
  interrupt: () => void
}

/** Runs an npm script of the project in its own process group, as a terminal does. */
export const runNpm = (script: string, env: NodeJS.ProcessEnv, args: string[] = []): NpmProcess => {
  const child = spawn('npm', ['run', '--silent', script, '--', ...args], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const listeners = new Set<() => void>()
  const add = (chunk: Buffer) => {
    text += chunk.toString()
    for (const check of listeners) check()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const waitForOutput = (wanted: string, timeoutMs: number) =>
    new Promise<void>((resolve, reject) => {
      const end = (error?: Error) => {
        clearTimeout(timer)
        listeners.delete(check)
        return error ? reject(error) : resolve()
      }
      const check = () => text.includes(wanted) && end()
      const timer = setTimeout(() => end(new Error(`no "${wanted}" after ${timeoutMs} ms:\n${text}`)), timeoutMs)
      listeners.add(check)
      void exited.then(() => end(text.includes(wanted) ? undefined : new Error(`exited without "${wanted}":\n${text}`)))
      check()
    })
  const interrupt = () => {
    // Without an id this would be the process group of the test run.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGINT')
  }
  return { child, output: () => text, waitForOutput, exited, interrupt }
}

/** The ids of the processes whose command line or environment contains `text`. */
export const findProcesses = (text: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ['cmdline', 'environ'].some((file) => readOrEmpty(join('/proc', pid, file)).includes(text)))
    .map(Number)

const readOrEmpty = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
