import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
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
    NetworkMode: string
    PortBindings: Record<string, { HostIp: string }[]> | null
  }
}

/** Opens a Compose project for this run: the demo, with its own ports and image names. */
export const openComposeProject = async () => {
  const project = testEnv('TEST_COMPOSE_PROJECT')
  const settingsFile = join(testEnv('TEST_COMPOSE_FOLDER'), 'env')
  const numbers = await freePorts(published.length)
  const ports = Object.fromEntries(published.map((name, index) => [name, numbers[index]])) as Record<
    (typeof published)[number],
    number
  >
  // The settings file replaces the developer's .env, and exported variables are not passed on.
  const imageSettings = { CLIENTELE_IMAGE_PREFIX: project, CLIENTELE_IMAGE_TAG: tag }
  const portSettings = Object.fromEntries(published.map((name) => [`${name}_PORT`, String(ports[name])]))
  const settings: NodeJS.Dict<string> = {
    ...parseEnv(readFileSync(join(root, 'demo.env'), 'utf8')),
    ...imageSettings,
    ...portSettings,
    // The version that is named in docker-compose.yml may be newer than the image on this machine.
    PROMETHEUS_IMAGE: process.env['PROMETHEUS_IMAGE'] ?? 'prom/prometheus:latest',
  }
  const writeSettings = () =>
    writeFileSync(
      settingsFile,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
  writeSettings()
  const { PATH, HOME, XDG_CACHE_HOME, DOCKER_HOST, DOCKER_CONFIG } = process.env
  const env = { PATH, HOME, XDG_CACHE_HOME, DOCKER_HOST, DOCKER_CONFIG }

  const compose = (args: string[], { timeout = 60_000, both = false } = {}): Promise<string> =>
    docker(['compose', '--project-name', project, '--env-file', settingsFile, ...args], {
      timeout,
      withStderr: both,
      env,
      cwd: root,
    })
  const containers = async (service: string): Promise<Container[]> => {
    const ids = (await compose(['ps', '--all', '--quiet', service])).split('\n').filter(Boolean)
    return ids.length === 0 ? [] : (JSON.parse(await docker(['inspect', ...ids])) as Container[])
  }

  return {
    ports,
    compose,
    /** Runs `npm run images`. */
    build: () =>
      new Promise<void>((resolve, reject) => {
        const args = ['run', '--silent', 'images', '--', '--prefix', project, '--tag', tag]
        const child = spawn('npm', args, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] })
        let stderr = ''
        child.stderr.on('data', (chunk: Buffer) => {
          stderr = `${stderr}${chunk}`.slice(-4000)
        })
        child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`npm run images failed:\n${stderr}`))))
      }),
    imageName: (service: string) => `${project}/${service}:${tag}`,
    inspectImage: async (image: string): Promise<Inspected> => {
      const [inspected] = JSON.parse(await docker(['image', 'inspect', image])) as [Inspected]
      return inspected
    },
    /** The only container of a service, which may have ended. */
    container: async (service: string): Promise<Container> => {
      const [found, ...more] = await containers(service)
      if (!found || more.length > 0) throw new Error(`${service} has ${more.length + (found ? 1 : 0)} containers`)
      return found
    },
    run: (image: string, command: string[]) =>
      docker(['run', '--rm', '--read-only', image, ...command], { withStderr: true }),
    /** Changes a setting for later commands. */
    set: (name: string, value: string) => {
      settings[name] = value
      writeSettings()
    },
    up: () => compose(['up', '--wait', '--wait-timeout', '540', '--quiet-pull'], { timeout: 570_000 }),
  }
}

export type ComposeProject = Awaited<ReturnType<typeof openComposeProject>>

/**
 * Pulls Grafana's image. If that fails, a small web server takes its place, so that the other services can be tested.
 * @returns whether Grafana itself runs
 */
export const pullGrafana = async (project: ComposeProject): Promise<boolean> => {
  const pulled = await project.compose(['pull', '--quiet', 'grafana'], { timeout: 300_000 }).then(
    () => true,
    () => false,
  )
  if (pulled) return true
  const name = project.imageName('grafana-stand-in')
  const folder = testEnv('TEST_COMPOSE_FOLDER')
  writeFileSync(join(folder, 'grafana.conf'), "server { listen 3000; location / { return 200 'no Grafana'; } }")
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM nginxinc/nginx-unprivileged:stable\nCOPY grafana.conf /etc/nginx/conf.d/default.conf\n',
  )
  await docker(['build', '--quiet', '--tag', name, folder], { timeout: 120_000 })
  project.set('GRAFANA_IMAGE', name)
  return false
}
