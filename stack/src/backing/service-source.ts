import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { canInstall, installPackages } from '../tools/packages.ts'
import { isDockerAvailable, markerFile } from './docker.ts'
import { postgresPrograms } from './postgres-programs.ts'
import { keycloakPackages, rabbitmqPackages } from './system-packages.ts'

export type BackingServiceName = 'postgres' | 'rabbitmq' | 'keycloak'

/** Where a backing service comes from: a URL from the environment, programs on this machine, or Docker. */
export type ServiceSource = { kind: 'external'; url: string } | { kind: 'local' } | { kind: 'docker' }

const urlVariables: Record<BackingServiceName, string> = {
  postgres: 'CLIENTELE_POSTGRES_URL',
  rabbitmq: 'CLIENTELE_RABBITMQ_URL',
  keycloak: 'CLIENTELE_KEYCLOAK_URL',
}

/** The Debian or Ubuntu packages that the service needs and this machine does not have. */
const missingPackages = (name: BackingServiceName): string[] => {
  if (name === 'rabbitmq') return rabbitmqPackages()
  return name === 'keycloak' ? keycloakPackages() : []
}

const installHelp: Record<BackingServiceName, string> = {
  postgres: 'start Docker, or set CLIENTELE_POSTGRES_URL to the URL of a PostgreSQL',
  rabbitmq:
    'run `sudo apt-get install rabbitmq-server` (Debian, Ubuntu) or `brew install rabbitmq`, or start Docker, or set CLIENTELE_RABBITMQ_URL',
  keycloak:
    'run `sudo apt-get install default-jre-headless maven` (Debian, Ubuntu) or `brew install openjdk@21 maven`, or start Docker, or set CLIENTELE_KEYCLOAK_URL',
}

/** Files that mark the data of a local service as complete. */
const localMarkers: Record<BackingServiceName, string> = {
  postgres: 'postgres/ready',
  rabbitmq: 'rabbitmq/ready',
  keycloak: 'keycloak/imported',
}

// A service keeps running where its data is, even if Docker or its programs were installed since: there it would start empty.
const sourceOfData = (home: string, name: BackingServiceName): 'docker' | 'local' | undefined => {
  if (existsSync(markerFile(home, name))) return 'docker'
  return existsSync(join(home, localMarkers[name])) ? 'local' : undefined
}

/** Decides where a service comes from; this may install packages. @throws Error if it can run nowhere */
export const chooseSource = async (
  name: BackingServiceName,
  log: (text: string) => void,
  home: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ServiceSource> => {
  const url = env[urlVariables[name]]
  if (url) return { kind: 'external', url: url.replace(/\/+$/, '') }
  const dataSource = sourceOfData(home, name)
  const needsDocker = dataSource === 'docker' || env.CLIENTELE_BACKING === 'docker'
  if (dataSource === 'local' && needsDocker) {
    throw new Error(
      `the data of ${name} in ${home} was created without Docker: unset CLIENTELE_BACKING, or set CLIENTELE_HOME to another folder`,
    )
  }
  const packages = missingPackages(name)
  const hasPrograms = name !== 'postgres' || postgresPrograms() !== undefined
  if (!needsDocker && hasPrograms) {
    if (packages.length === 0) return { kind: 'local' }
    if (canInstall()) {
      await installPackages(packages, log)
      return { kind: 'local' }
    }
  }
  if (dataSource !== 'local' && (await isDockerAvailable())) return { kind: 'docker' }
  if (needsDocker)
    throw new Error(
      `${name} cannot run here: Docker is not available, and ${dataSource ? `the data of ${name} is in a Docker volume` : 'CLIENTELE_BACKING=docker is set'}. Start Docker`,
    )
  throw new Error(`${name} cannot run here: ${installHelp[name]}`)
}
