import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
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

/** Whether system packages can be installed: only as root and with apt-get. */
export const canInstall = (): boolean => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

let queue: Promise<unknown> = Promise.resolve()

/**
 * Installs packages of the distribution, one call after the other. Stops the RabbitMQ that its package starts.
 * @throws Error with the last line of apt-get
 */
export const installPackages = (packages: string[], log: (text: string) => void): Promise<void> => {
  const next = queue.then(() => install(packages, log))
  queue = next.catch(() => undefined)
  return next
}

const install = async (packages: string[], log: (text: string) => void): Promise<void> => {
  log(`installing ${packages.join(', ')} (apt-get, as root)`)
  const before = new Set(erlangDaemons())
  // Slim images lack this folder, and Java's package fails without it.
  mkdirSync('/usr/share/man/man1', { recursive: true })
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

// Installing rabbitmq-server starts it as a system service. It was not there before, and we run our own.
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

/** The process ids of Erlang name servers (epmd) on the default port. One on another port belongs to somebody else. */
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
