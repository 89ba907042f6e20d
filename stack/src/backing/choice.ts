import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { javaCommand } from '../tools/java.ts'
import { canInstall, installPackages, isOnPath } from '../tools/packages.ts'
import { dockerAnswers, markOf } from './docker.ts'
import { isKeycloakPrepared } from './keycloak-cache.ts'
import { postgresPrograms } from './postgres-programs.ts'
import { rabbitmqServer } from './rabbitmq.ts'

export type Part = 'postgres' | 'rabbitmq' | 'keycloak'

/** Where a part comes from: an address that was given, programs of this machine, or a Docker engine. */
export type Choice = { kind: 'given'; url: string } | { kind: 'local' } | { kind: 'docker' }

const variables: Record<Part, string> = {
  postgres: 'CLIENTELE_POSTGRES_URL',
  rabbitmq: 'CLIENTELE_RABBITMQ_URL',
  keycloak: 'CLIENTELE_KEYCLOAK_URL',
}

/** Packages of Debian and Ubuntu that the part lacks here; empty when it can run as the machine is. */
const missingPackages = (part: Part): string[] => {
  if (part === 'postgres') return []
  if (part === 'rabbitmq') return rabbitmqServer() ? [] : ['rabbitmq-server']
  const java = javaVersion() >= 17 ? [] : ['default-jre-headless']
  return [...java, ...(isKeycloakPrepared() || isOnPath('mvn') ? [] : ['maven'])]
}

const help: Record<Part, string> = {
  postgres: 'start Docker, or give the address of a PostgreSQL in CLIENTELE_POSTGRES_URL',
  rabbitmq:
    'run `sudo apt-get install rabbitmq-server` (Debian, Ubuntu) or `brew install rabbitmq`, or start Docker, or set CLIENTELE_RABBITMQ_URL',
  keycloak:
    'run `sudo apt-get install default-jre-headless maven` (Debian, Ubuntu) or `brew install openjdk@21 maven`, or start Docker, or set CLIENTELE_KEYCLOAK_URL',
}

/** What says that the part's data are whole, and in the data folder itself. */
const localMarks: Record<Part, string> = {
  postgres: 'postgres/ready',
  rabbitmq: 'rabbitmq/ready',
  keycloak: 'keycloak/imported',
}

// A part goes on where its data are: programs or an engine that came later would begin with none.
const keptBy = (home: string, part: Part): 'docker' | 'local' | undefined => {
  if (existsSync(markOf(home, part))) return 'docker'
  return existsSync(join(home, localMarks[part])) ? 'local' : undefined
}

export const chooseBacking = async (
  part: Part,
  say: (text: string) => void,
  home: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Choice> => {
  const url = env[variables[part]]
  if (url) return { kind: 'given', url: url.replace(/\/+$/, '') }
  const kept = keptBy(home, part)
  const inDocker = kept === 'docker' || env.CLIENTELE_BACKING === 'docker'
  if (kept === 'local' && inDocker) {
    throw new Error(
      `the data of ${part} in ${home} were begun without Docker: unset CLIENTELE_BACKING, or set CLIENTELE_HOME to another folder`,
    )
  }
  const missing = missingPackages(part)
  const programs = part !== 'postgres' || postgresPrograms() !== undefined
  if (!inDocker && programs) {
    if (missing.length === 0) return { kind: 'local' }
    if (canInstall()) {
      await installPackages(missing, say)
      return { kind: 'local' }
    }
  }
  if (kept !== 'local' && (await dockerAnswers())) return { kind: 'docker' }
  if (inDocker)
    throw new Error(
      `${part} cannot run here: Docker does not answer, and ${kept ? 'its data are there' : 'CLIENTELE_BACKING asks for it'}`,
    )
  throw new Error(`${part} cannot run here: ${help[part]}`)
}

/** The major version of the Java on this machine; 0 where there is none. */
const javaVersion = (): number => {
  const java = javaCommand()
  if (java.startsWith('/') && !existsSync(java)) return 0
  try {
    const out = execFileSync('/bin/sh', ['-c', '"$1" -version 2>&1', 'sh', java], { encoding: 'utf8', timeout: 20_000 })
    return Number(/version "(\d+)/.exec(out)?.[1] ?? 0)
  } catch {
    return 0
  }
}
