import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testEnv } from '@clientele/platform/testing/database'
import { docker } from '@clientele/stack/backing/docker'
import { freePorts } from '@clientele/stack/profile/ports'

const root = join(import.meta.dirname, '..', '..')
const tag = 'test'
const published = ['GATEWAY', 'KEYCLOAK', 'RABBITMQ_MANAGEMENT', 'MAIL', 'PROMETHEUS', 'GRAFANA'] as const

type Inspected = {
  Size: number
  Config: {
    User: string
    Entrypoint: string[] | null
    Cmd: string[]
    Env: string[]
    Healthcheck?: { Test: string[] }
    Labels: Record<string, string>
  }
  RootFS: { Layers: string[] }
}

type Container = {
  State: { Status: string; ExitCode: number; StartedAt: string; Health?: { Status: string } }
  HostConfig: {
    ReadonlyRootfs: boolean
    CapDrop: string[] | null
    SecurityOpt: string[] | null
    Memory: number
    PortBindings: Record<string, { HostIp: string }[]> | null
  }
}

/** A Compose project of the run's own, on free ports, with images of its own name. */
export const openEngine = async () => {
  const project = testEnv('TEST_COMPOSE_PROJECT')
  const settings = join(testEnv('TEST_COMPOSE_FOLDER'), 'env')
  const free = await freePorts(published.length)
  const ports = Object.fromEntries(published.map((name, index) => [name, free[index]])) as Record<
    (typeof published)[number],
    number
  >
  // The file takes the place of .env: what a person has there is not for tests. Neither is what is exported.
  const named = { CLIENTELE_IMAGE_PREFIX: project, CLIENTELE_IMAGE_TAG: tag }
  const moved = Object.fromEntries(published.map((name) => [`${name}_PORT`, String(ports[name])]))
  const given: Record<string, string> = { ...named, ...moved }
  const write = () =>
    writeFileSync(
      settings,
      Object.entries(given)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
  write()
  const { PATH, HOME, XDG_CACHE_HOME, DOCKER_HOST, DOCKER_CONFIG } = process.env
  const env = { PATH, HOME, XDG_CACHE_HOME, DOCKER_HOST, DOCKER_CONFIG }

  const compose = (args: string[], { timeout = 60_000, both = false } = {}): Promise<string> =>
    docker(['compose', '--project-name', project, '--env-file', settings, ...args], { timeout, both, env, cwd: root })
  const containers = async (service: string): Promise<Container[]> => {
    const ids = (await compose(['ps', '--all', '--quiet', service])).split('\n').filter(Boolean)
    return ids.length === 0 ? [] : (JSON.parse(await docker(['inspect', ...ids])) as Container[])
  }

  return {
    ports,
    compose,
    /** `npm run images`, as a person runs it. */
    build: () =>
      new Promise<void>((resolve, reject) => {
        const args = ['run', '--silent', 'images', '--', '--prefix', project, '--tag', tag]
        const child = spawn('npm', args, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] })
        let said = ''
        child.stderr.on('data', (chunk: Buffer) => {
          said = `${said}${chunk}`.slice(-4000)
        })
        child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`npm run images failed:\n${said}`))))
      }),
    imageName: (service: string) => `${project}/${service}:${tag}`,
    inspectImage: async (image: string): Promise<Inspected> => {
      const [found] = JSON.parse(await docker(['image', 'inspect', image])) as [Inspected]
      return found
    },
    /** The one container of a service, one that has ended included. */
    container: async (service: string): Promise<Container> => {
      const [found, ...more] = await containers(service)
      if (!found || more.length > 0) throw new Error(`${service} has ${more.length + (found ? 1 : 0)} containers`)
      return found
    },
    run: (image: string, command: string[]) =>
      docker(['run', '--rm', '--read-only', image, ...command], { both: true }),
    /** Takes another image for a setting, from now on. */
    set: (name: string, value: string) => {
      given[name] = value
      write()
    },
    up: () => compose(['up', '--wait', '--wait-timeout', '540', '--quiet-pull'], { timeout: 570_000 }),
  }
}

export type Engine = Awaited<ReturnType<typeof openEngine>>

/**
 * Where Grafana's image cannot be had, something else answers on its port: what is then not shown is Grafana itself.
 * @returns whether it is the real one
 */
export const grafanaOrStandIn = async (engine: Engine): Promise<boolean> => {
  const pulled = await engine.compose(['pull', '--quiet', 'grafana'], { timeout: 300_000 }).then(
    () => true,
    () => false,
  )
  if (pulled) return true
  const name = engine.imageName('grafana-stand-in')
  const folder = testEnv('TEST_COMPOSE_FOLDER')
  writeFileSync(join(folder, 'grafana.conf'), "server { listen 3000; location / { return 200 'no Grafana'; } }")
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM nginxinc/nginx-unprivileged:stable\nCOPY grafana.conf /etc/nginx/conf.d/default.conf\n',
  )
  await docker(['build', '--quiet', '--tag', name, folder], { timeout: 120_000 })
  engine.set('GRAFANA_IMAGE', name)
  return false
}
