import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePorts, type Ports, portNames } from '@clientele/stack/profile/ports'

const root = resolve(import.meta.dirname, '..')

/** A free port for each of the product's. */
export const startPorts = async (): Promise<Ports> => {
  const free = await freePorts(portNames.length)
  return Object.fromEntries(portNames.map((name, index) => [name, free[index]])) as Ports
}

/** Ports, data folder and nothing of the surrounding test run. */
export const startEnv = (home: string, ports: Ports): NodeJS.ProcessEnv => {
  const { PATH, HOME, XDG_CACHE_HOME, JAVA_HOME, LANG } = process.env
  const moved = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  return { PATH, HOME, XDG_CACHE_HOME, JAVA_HOME, LANG, CLIENTELE_HOME: home, ...moved }
}

export type Run = {
  child: ChildProcess
  output: () => string
  /** Resolves when the output has the text; fails when the process ends before or the time is over. */
  says: (text: string, timeoutMs: number) => Promise<void>
  /** The exit code, once it has ended. */
  ended: Promise<number | null>
  /** Ctrl-C: the whole foreground group gets the signal. */
  interrupt: () => void
}

/** Runs an npm script of the project as a terminal does: in a process group of its own. */
export const npmRun = (script: string, env: NodeJS.ProcessEnv, args: string[] = []): Run => {
  const child = spawn('npm', ['run', '--silent', script, '--', ...args], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const watchers = new Set<() => void>()
  const add = (chunk: Buffer) => {
    text += chunk.toString()
    for (const look of watchers) look()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
  const says = (wanted: string, timeoutMs: number) =>
    new Promise<void>((done, fail) => {
      const end = (error?: Error) => {
        clearTimeout(timer)
        watchers.delete(look)
        return error ? fail(error) : done()
      }
      const look = () => text.includes(wanted) && end()
      const timer = setTimeout(() => end(new Error(`no "${wanted}" after ${timeoutMs} ms:\n${text}`)), timeoutMs)
      watchers.add(look)
      void ended.then(() => end(text.includes(wanted) ? undefined : new Error(`ended without "${wanted}":\n${text}`)))
      look()
    })
  const interrupt = () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGINT')
  }
  return { child, output: () => text, says, ended, interrupt }
}

/** Ids of the processes that have the text in command line or environment. */
export const processesWith = (text: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ['cmdline', 'environ'].some((file) => contentOf(join('/proc', pid, file)).includes(text)))
    .map(Number)

const contentOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
