import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { birthOf } from '../processes/pid-file.ts'

const run = promisify(execFile)

export const isOnPath = (command: string): boolean => {
  try {
    execFileSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', command], { timeout: 5000, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Whether missing system packages may be installed: only as root, only with apt. */
export const canInstall = (): boolean => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

let queue: Promise<unknown> = Promise.resolve()

/** Installs packages of the distribution, one call after the other, and says which. Services they bring are not left running. */
export const installPackages = (packages: string[], say: (text: string) => void): Promise<void> => {
  const next = queue.then(() => install(packages, say))
  queue = next.catch(() => undefined)
  return next
}

const install = async (packages: string[], say: (text: string) => void): Promise<void> => {
  say(`installing ${packages.join(', ')} (apt-get, as root)`)
  const before = new Set(erlangDaemons())
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const apt = (args: string[]) => run('apt-get', args, { env, timeout: 600_000, maxBuffer: 32 << 20 })
  const options = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300']
  try {
    await apt([...options, ...packages]).catch(async () => {
      await apt(['update', '-q'])
      await apt([...options, ...packages])
    })
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(
      `apt-get install ${packages.join(' ')} failed: ${(stderr ?? String(error)).trim().split('\n').at(-1)}`,
    )
  }
  if (packages.includes('rabbitmq-server')) await stopSystemBroker(before)
}

// The package starts the system's own broker where it can; it was not there before, and we run our own.
const stopSystemBroker = async (before: Set<number>): Promise<void> => {
  if (existsSync('/run/systemd/system')) {
    await run('systemctl', ['disable', '--now', 'rabbitmq-server', 'epmd.service', 'epmd.socket'], {
      timeout: 60_000,
    }).catch(() => undefined)
  } else if (existsSync('/etc/init.d/rabbitmq-server')) {
    await run('/etc/init.d/rabbitmq-server', ['stop'], { timeout: 60_000 }).catch(() => undefined)
  }
  for (const pid of erlangDaemons()) {
    if (!before.has(pid) && birthOf(pid)) process.kill(pid, 'SIGTERM')
  }
}

/** Erlang's name servers that use the system's port; one with a port of its own is somebody's. */
const erlangDaemons = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isSystemEpmd(name))
    .map(Number)

const isSystemEpmd = (pid: string): boolean => {
  try {
    const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return basename(program) === 'epmd' && !args.includes('-port')
  } catch {
    return false
  }
}
