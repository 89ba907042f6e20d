import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { services } from '../services.ts'
import { sh } from './shell.ts'

export const tag = process.env['CLIENTELE_IMAGE_TAG'] ?? '0.1.0'

const backing = ['clientele/keycloak:0.1.0', 'postgres:18', 'rabbitmq:4-management', 'fsouza/fake-gcs-server:1.56.1']
const own = [...services, 'tools'].map((name) => `clientele/${name}:${tag}`)

/** Releases of customer-service with one more migration, made of the image that is there. */
export const releases = {
  next: { tag: `${tag}-next`, sql: 'alter table customers add column cluster_test text;' },
  broken: { tag: `${tag}-broken`, sql: 'alter table customers add column cluster_test text;\nselect 1 / 0;' },
}

const derive = async ({ tag: wanted, sql }: { tag: string; sql: string }): Promise<string> => {
  const context = mkdtempSync(join(tmpdir(), 'clientele-release-'))
  const name = `9${Object.values(releases).findIndex((release) => release.tag === wanted)}00-cluster-test.sql`
  writeFileSync(join(context, name), `${sql}\n`)
  writeFileSync(join(context, 'Dockerfile'), `FROM clientele/customer-service:${tag}\nCOPY ${name} migrations/\n`)
  try {
    await sh('docker', ['build', '--quiet', '--tag', `clientele/customer-service:${wanted}`, context])
  } finally {
    rmSync(context, { recursive: true })
  }
  return `clientele/customer-service:${wanted}`
}

/**
 * Makes the derived images, and copies all into the cluster by the command in `CLUSTER_LOAD`, such as
 * `kind load docker-image`; without it the cluster has to find them by itself.
 */
export const loadImages = async (): Promise<string> => {
  const derived = [await derive(releases.next), await derive(releases.broken)]
  const [program, ...args] = (process.env['CLUSTER_LOAD'] ?? '').split(' ').filter((part) => part !== '')
  if (!program) return 'CLUSTER_LOAD is not set: nothing was copied'
  await sh(program, [...args, ...own, ...backing, ...derived])
  return `${own.length + backing.length + derived.length} images`
}
