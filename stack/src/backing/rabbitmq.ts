import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Child, failedStartTimeoutMs, logTail, startChild } from '../processes/child.ts'
import {
  type Account,
  chownTreeTo,
  isExecutable,
  isReachableBy,
  launchAs,
  unprivilegedAccount,
} from '../processes/unprivileged.ts'
import { isResponding, waitFor } from '../processes/wait.ts'
import type { ServiceHandle } from './postgres.ts'

/** `metricsUrl` is the address of its Prometheus plugin. */
export type BrokerHandle = ServiceHandle & { managementUrl: string; metricsUrl?: string }

export type RabbitmqOptions = {
  home: string
  port: number
  managementPort: number
  /** The port of its Prometheus metrics; without it the plugin is off. */
  metricsPort?: number
  /** The ports of Erlang's name server (epmd) and of the node. Both listen on loopback only. */
  epmdPort: number
  distributionPort: number
  user: string
  password: string
  /** Aborts the start. */
  signal?: AbortSignal
}

// Not the wrapper on PATH, which only runs as root or as the system's rabbitmq account.
const serverPaths = [
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
  '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
]
const epmdPaths = ['/usr/bin/epmd', '/opt/homebrew/bin/epmd', '/usr/local/bin/epmd']

export const rabbitmqServer = (): string | undefined => serverPaths.find(isExecutable)

export const startRabbitmq = async (options: RabbitmqOptions): Promise<BrokerHandle> => {
  const { home, port, managementPort, user, password } = options
  const server = rabbitmqServer()
  const epmd = epmdPaths.find(isExecutable)
  if (!server || !epmd)
    throw new Error('RabbitMQ is not installed: install rabbitmq-server, or set CLIENTELE_RABBITMQ_URL')
  const data = join(home, 'rabbitmq')
  const account = brokerAccount(data)
  prepareFolder(data, options, account)
  const env = environment(data, options)
  const launch = (command: string, args: string[]) => launchAs(account, command, args, [join(data, 'x')])

  // Start our own name server: the one that Erlang starts by itself would outlive the node.
  const epmdArgs = ['-address', '127.0.0.1', '-port', String(options.epmdPort)]
  const names = await startChild({ ...launch(epmd, epmdArgs), name: 'rabbitmq-epmd', home, env, cwd: '/' })
  const node: Child = await startChild({
    ...launch(server, []),
    name: 'rabbitmq',
    home,
    env,
    cwd: '/',
    stopTimeoutMs: 30_000,
  })
  const stop = async (timeoutMs?: number) => {
    await node.stop(timeoutMs)
    await names.stop()
  }
  const managementUrl = `http://${user}:${encodeURIComponent(password)}@127.0.0.1:${managementPort}`
  const ready = `http://127.0.0.1:${managementPort}/api/health/checks/port-listener/${port}`
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const exited = Promise.race([node.exited, names.exited])
  const wait = { name: 'RabbitMQ', timeoutMs: 120_000, intervalMs: 200, exited, signal: options.signal }
  await waitFor(() => isResponding(ready, { headers: { authorization } }), wait).catch(async (error) => {
    await stop(failedStartTimeoutMs)
    throw new Error(`${error.message}\n${logTail(home, 'rabbitmq')}`)
  })
  writeFileSync(join(data, 'ready'), '')
  const { metricsPort } = options
  return {
    url: `amqp://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    managementUrl,
    ...(metricsPort !== undefined && { metricsUrl: `http://127.0.0.1:${metricsPort}` }),
    stop,
  }
}

const controlPaths = serverPaths.map((path) => path.replace(/rabbitmq-server$/, 'rabbitmqctl'))

/** Runs `rabbitmqctl` on the broker of these options. @throws Error with its output, or after a minute */
export const rabbitmqControl = async (options: RabbitmqOptions, args: string[]): Promise<void> => {
  const control = controlPaths.find(isExecutable)
  if (!control) throw new Error('rabbitmqctl is not installed')
  const data = join(options.home, 'rabbitmq')
  const { command, args: all, ...identity } = launchAs(brokerAccount(data), control, args, [join(data, 'x')])
  await promisify(execFile)(command, all, { ...identity, env: environment(data, options), cwd: '/', timeout: 60_000 })
}

// Erlang calls access(2), which ignores capabilities. If the account cannot reach the folder, the broker has to run as root.
const brokerAccount = (data: string): Account | undefined => {
  const account = unprivilegedAccount()
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return !account || isReachableBy(account, data) ? account : { name: 'root', uid: 0, gid: 0 }
}

const prepareFolder = (data: string, options: RabbitmqOptions, account: Account | undefined): void => {
  // The first start did not finish, so the half-created node is removed.
  if (!existsSync(join(data, 'ready'))) rmSync(data, { recursive: true, force: true })
  for (const folder of [data, join(data, 'mnesia'), join(data, 'log'), join(data, 'home')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
  const { metricsPort } = options
  const metrics =
    metricsPort === undefined ? '' : `prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = ${metricsPort}\n`
  const plugins = ['rabbitmq_management', ...(metricsPort === undefined ? [] : ['rabbitmq_prometheus'])]
  const files: Record<string, string> = {
    'rabbitmq.conf': `listeners.tcp.1 = 127.0.0.1:${options.port}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${options.managementPort}
loopback_users = none
default_user = ${options.user}
default_pass = ${options.password}
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 100MB
log.console = true
log.console.level = info
${metrics}`,
    enabled_plugins: `[${plugins.join(',')}].\n`,
    'rabbitmq-env.conf': '',
  }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(data, name), text, { mode: 0o600 })
  }
  chownTreeTo(account, data)
}

// The data belongs to the node's name, so the name must not depend on a port.
const environment = (data: string, options: RabbitmqOptions): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  HOME: join(data, 'home'),
  ERL_EPMD_ADDRESS: '127.0.0.1',
  ERL_EPMD_PORT: String(options.epmdPort),
  RABBITMQ_NODENAME: 'clientele@localhost',
  RABBITMQ_DIST_PORT: String(options.distributionPort),
  RABBITMQ_CONF_ENV_FILE: join(data, 'rabbitmq-env.conf'),
  RABBITMQ_CONFIG_FILE: join(data, 'rabbitmq.conf'),
  RABBITMQ_ADVANCED_CONFIG_FILE: join(data, 'none.config'),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(data, 'enabled_plugins'),
  RABBITMQ_MNESIA_BASE: join(data, 'mnesia'),
  RABBITMQ_LOG_BASE: join(data, 'log'),
  RABBITMQ_LOGS: '-',
  RABBITMQ_PID_FILE: join(data, 'rabbit.pid'),
  // Makes the start script `exec` the node, so that the recorded process id is the node's.
  RUNNING_UNDER_SYSTEMD: 'true',
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
    '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
})
