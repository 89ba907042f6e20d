import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { javaCommand } from '../tools/java.ts'
import { canInstall, installPackages, isOnPath } from '../tools/packages.ts'
import { isKeycloakPrepared } from './keycloak-cache.ts'
import { rabbitmqServer } from './rabbitmq.ts'

const minJavaVersion = 17

/** The packages of Debian and Ubuntu that this machine needs to run RabbitMQ without Docker; empty if it has them. */
export const rabbitmqPackages = (): string[] => (rabbitmqServer() ? [] : ['rabbitmq-server'])

/** The same for Keycloak. Maven, which downloads Keycloak, is only needed the first time. */
export const keycloakPackages = (): string[] => [
  ...(javaVersion() >= minJavaVersion ? [] : ['default-jre-headless']),
  ...(isKeycloakPrepared() || isOnPath('mvn') ? [] : ['maven']),
]

/** The same for the sandbox in which media-service decodes images. */
export const sandboxPackages = (): string[] => (isOnPath('bwrap') ? [] : ['bubblewrap'])

/** Installs the sandbox if it is missing and can be installed. Without it, media-service warns, and its tests fail. */
export const installSandbox = async (log: (text: string) => void): Promise<void> => {
  const packages = sandboxPackages()
  if (packages.length > 0 && canInstall()) await installPackages(packages, log)
}

/** The major version of this machine's Java; 0 if there is none. */
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
