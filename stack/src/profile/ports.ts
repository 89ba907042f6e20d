import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename } from 'node:path'
import { envPrefix, internalPort, registry } from '@clientele/contracts/services'

/** The default ports of the backing services and of the gateway, by the environment variable that sets each. */
const fixedPorts = {
  GATEWAY_PORT: registry.gateway.port,
  GATEWAY_INTERNAL_PORT: internalPort(registry.gateway.port),
  KEYCLOAK_PORT: 8080,
  KEYCLOAK_MANAGEMENT_PORT: 8081,
  POSTGRES_PORT: 5434,
  RABBITMQ_PORT: 5674,
  RABBITMQ_EPMD_PORT: 5675,
  RABBITMQ_DISTRIBUTION_PORT: 5676,
  RABBITMQ_MANAGEMENT_PORT: 15672,
  RABBITMQ_METRICS_PORT: 15692,
  SMTP_PORT: 1025,
  MAIL_PORT: 8025,
}

/** The variables of a registered service, such as `USER_SERVICE_PORT` and `USER_SERVICE_INTERNAL_PORT`. */
export type ServicePortName = `${string}_SERVICE_PORT` | `${string}_SERVICE_INTERNAL_PORT`
export type PortName = keyof typeof fixedPorts | ServicePortName
export type Ports = Record<PortName, number>

/** The variables of a service's two ports. */
export const portNamesOf = (service: string): { port: PortName; internalPort: PortName } => {
  const prefix = envPrefix(service)
  return { port: `${prefix}_PORT` as PortName, internalPort: `${prefix}_INTERNAL_PORT` as PortName }
}

/** The default of every port in the local profile, by the environment variable that sets it. */
export const portDefaultsOf = (services: { name: string; port: number }[]): Ports => {
  const names = services.map(({ name, port }) => ({ ...portNamesOf(name), value: port }))
  return {
    ...Object.fromEntries(names.map(({ port, value }) => [port, value])),
    ...Object.fromEntries(names.map(({ internalPort: name, value }) => [name, internalPort(value)])),
    ...fixedPorts,
  }
}
export const portDefaults = portDefaultsOf(registry.services)

export const portNames = Object.keys(portDefaults) as PortName[]

/** @throws Error if there is no port of that name */
export const portOf = (ports: Ports, name: PortName): number => {
  const port = ports[name]
  if (port === undefined) throw new Error(`unknown port ${name}`)
  return port
}

/**
 * The ports as the environment sets them. An internal port that is not set is 100 above its public one.
 * @throws Error for a value that is not a port, or is used twice
 */
export const portsFrom = (env: NodeJS.ProcessEnv): Ports => {
  const ports = { ...portDefaults }
  for (const name of portNames) {
    const text = env[name] ?? env[name.replace('_INTERNAL', '')]
    if (text === undefined || text === '') continue
    const port = Number(text) + (env[name] === undefined ? 100 : 0)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`${name} is "${text}", but must be a port number from 1 to 65535`)
    ports[name] = port
  }
  const duplicate = portNames.find((name, index) =>
    portNames.some((other, at) => at < index && ports[other] === ports[name]),
  )
  if (duplicate)
    throw new Error(`${duplicate} is ${ports[duplicate]}, which is also another port of Clientele: change one of them`)
  return ports
}

export const isFree = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })

// Below the ports that Kubernetes and the operating system assign.
const [firstPort, lastPort, portsPerProcess] = [15_000, 29_999, 250]
const portRanges = Math.floor((lastPort + 1 - firstPort) / portsPerProcess)
let portOffset = randomInt(portsPerProcess)

/**
 * Different ports that nobody listens on. Each process picks from a range of its own, so that concurrent test runs rarely get
 * the same port. @throws Error if too few are free
 */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports: number[] = []
  for (let attempts = 0; ports.length < count; attempts += 1) {
    if (attempts === portsPerProcess) throw new Error(`fewer than ${count} of ${portsPerProcess} ports are free`)
    portOffset = (portOffset + 1) % portsPerProcess
    const port = firstPort + (process.pid % portRanges) * portsPerProcess + portOffset
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/** A message for each of these ports that is in use, with the process that uses it if that can be found. */
export const findPortConflicts = async (ports: Ports, names: PortName[]): Promise<string[]> => {
  const free = await Promise.all(names.map((name) => isFree(portOf(ports, name))))
  return names
    .filter((_, index) => !free[index])
    .map((name) => {
      const port = portOf(ports, name)
      const holder = holderOf(port)
      return `port ${port} is in use${holder ? ` by ${holder}` : ''}: stop that process, or set another port with ${name}=…`
    })
}

const holderOf = (port: number): string | undefined =>
  process.platform === 'linux' ? holderFromProc(port) : holderFromLsof(port)

const holderFromProc = (port: number): string | undefined => {
  try {
    const sockets = ['tcp', 'tcp6'].flatMap((file) => readFileSync(`/proc/net/${file}`, 'utf8').split('\n').slice(1))
    const hex = port.toString(16).toUpperCase().padStart(4, '0')
    const inodes = sockets
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A')
      .map((fields) => `socket:[${fields[9]}]`)
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (holdsSocket(pid, inodes)) return `process ${pid} (${nameOf(pid)})`
    }
  } catch {
    // The process cannot be found out. The message names the port and its variable anyway.
  }
  return undefined
}

// The first two words of its command line: `node main.ts` is clearer than `node`.
const nameOf = (pid: string): string =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .split('\0')
    .slice(0, 2)
    .map((word) => basename(word))
    .join(' ')
    .trim()
    .slice(0, 60)

const holdsSocket = (pid: string, inodes: string[]): boolean => {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`)))
  } catch {
    return false
  }
}

const holderFromLsof = (port: number): string | undefined => {
  try {
    const out = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
      encoding: 'utf8',
      timeout: 5000,
    })
    return `process ${/^p(\d+)/m.exec(out)?.[1]} (${/^c(.*)/m.exec(out)?.[1]})`
  } catch {
    return undefined
  }
}
