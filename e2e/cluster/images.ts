import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { services } from '../services.ts'
import { sh } from './shell.ts'

export const tag = process.env['CLIENTELE_IMAGE_TAG'] ?? '0.1.0'

const backing = ['clientele/keycloak:0.1.0', 'postgres:18', 'rabbitmq:4-management', 'fsouza/fake-gcs-server:1.56.1']
const product = [...services, 'tools'].map((name) => `clientele/${name}:${tag}`)

/** Later releases of customer-service, which are derived from its image by one more migration. */
export const releases = {
  next: { tag: `${tag}-next`, sql: 'alter table customers add column cluster_test text;' },
  broken: { tag: `${tag}-broken`, sql: 'alter table customers add column cluster_test text;\nselect 1 / 0;' },
}

const buildDerived = async ({ tag: derivedTag, sql }: { tag: string; sql: string }): Promise<string> => {
  const context = mkdtempSync(join(tmpdir(), 'clientele-release-'))
  const name = `9${Object.values(releases).findIndex((release) => release.tag === derivedTag)}00-cluster-test.sql`
  writeFileSync(join(context, name), `${sql}\n`)
  writeFileSync(join(context, 'Dockerfile'), `FROM clientele/customer-service:${tag}\nCOPY ${name} migrations/\n`)
  try {
    await sh('docker', ['build', '--quiet', '--tag', `clientele/customer-service:${derivedTag}`, context])
  } finally {
    rmSync(context, { recursive: true })
  }
  return `clientele/customer-service:${derivedTag}`
}

/**
 * Builds the derived images, and copies all images into the cluster with the command in `CLUSTER_LOAD`, for example
 * `kind load docker-image`. Without `CLUSTER_LOAD` the cluster has to pull them.
 */
export const loadImages = async (): Promise<string> => {
  const derived = [await buildDerived(releases.next), await buildDerived(releases.broken)]
  const [program, ...args] = (process.env['CLUSTER_LOAD'] ?? '').split(' ').filter((part) => part !== '')
  if (!program) return 'CLUSTER_LOAD is not set: no images copied'
  await sh(program, [...args, ...product, ...backing, ...derived])
  return `${product.length + backing.length + derived.length} images copied`
}
