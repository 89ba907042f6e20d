import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename } from 'node:path'
import { internalPort, registry, variablePrefix } from '@clientele/contracts/services'

/** Ports of what the services stand on, and of the gateway, by the environment variable that moves each. */
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

/** Of each service of the registry: `USER_SERVICE_PORT` and `USER_SERVICE_INTERNAL_PORT`. */
export type ServicePortName = `${string}_SERVICE_PORT` | `${string}_SERVICE_INTERNAL_PORT`
export type PortName = keyof typeof fixedPorts | ServicePortName
export type Ports = Record<PortName, number>

/** The names of a service's two ports. */
export const portNamesOf = (service: string): { port: PortName; internalPort: PortName } => {
  const prefix = variablePrefix(service)
  return { port: `${prefix}_PORT` as PortName, internalPort: `${prefix}_INTERNAL_PORT` as PortName }
}

/** Every port of the local profile by the environment variable that moves it. */
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

/** @throws Error where no service of the registry has a port of that name */
export const portOf = (ports: Ports, name: PortName): number => {
  const port = ports[name]
  if (port === undefined) throw new Error(`there is no port ${name}`)
  return port
}

/** The ports as the environment moves them. A service's internal port follows its public one, 100 above. */
export const portsFrom = (env: NodeJS.ProcessEnv): Ports => {
  const ports = { ...portDefaults }
  for (const name of portNames) {
    const text = env[name] ?? env[name.replace('_INTERNAL', '')]
    if (text === undefined || text === '') continue
    const port = Number(text) + (env[name] === undefined ? 100 : 0)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`${name} must be a port number, not "${text}"`)
    ports[name] = port
  }
  const taken = portNames.find((name, index) =>
    portNames.some((other, at) => at < index && ports[other] === ports[name]),
  )
  if (taken) throw new Error(`${taken} is ${ports[taken]}, and so is another port of Clientele: move one of them`)
  return ports
}

export const isFree = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })

// Below those that Kubernetes and the system give out.
const [firstPort, lastPort, ownPorts] = [15_000, 29_999, 250]
const slices = Math.floor((lastPort + 1 - firstPort) / ownPorts)
let given = randomInt(ownPorts)

/** Ports that nobody listens on now, all different. Each process has its own to give: whoever asks at the same time gets others. */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports: number[] = []
  for (let tried = 0; ports.length < count; tried += 1) {
    if (tried === ownPorts) throw new Error(`fewer than ${count} of ${ownPorts} ports are free`)
    given = (given + 1) % ownPorts
    const port = firstPort + (process.pid % slices) * ownPorts + given
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/** One line for each of these ports that is taken, with its holder where that can be told. */
export const takenPorts = async (ports: Ports, names: PortName[]): Promise<string[]> => {
  const free = await Promise.all(names.map((name) => isFree(portOf(ports, name))))
  return names
    .filter((_, index) => !free[index])
    .map((name) => {
      const port = portOf(ports, name)
      const holder = holderOf(port)
      return `port ${port} is taken${holder ? ` by ${holder}` : ''}: stop it, or choose another with ${name}=…`
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
    // Told where it can be; the port and its variable are named anyway.
  }
  return undefined
}

// Two words of its command line: `node main.ts` says more than `node`.
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
