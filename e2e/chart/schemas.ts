import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '@clientele/stack/processes/folders'
import { parseAllDocuments } from 'yaml'
import { moduleFolder } from './tools.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Schema = { [key: string]: Json }
type Gvk = { group: string; version: string; kind: string }

const modules = {
  kubernetes: 'k8s.io/kubernetes@v1.33.13',
  'prometheus-operator': 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
  'gateway-api': 'sigs.k8s.io/gateway-api@v1.4.1',
  'cert-manager': 'github.com/cert-manager/cert-manager@v1.18.2',
}

const isSchema = (value: Json | undefined): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Refuses unknown fields of objects with known properties, and translates `int-or-string` into JSON Schema. */
const strict = (node: Json): Json => {
  if (Array.isArray(node)) return node.map(strict)
  if (!isSchema(node)) return node
  const schema = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, strict(value)])) as Schema
  if (schema['format'] === 'int-or-string' || schema['x-kubernetes-int-or-string'] === true) {
    const { type: _type, format: _format, anyOf: _anyOf, ...rest } = schema
    return { ...rest, type: ['integer', 'string'] }
  }
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-embedded-resource'] === true
  if (isSchema(schema['properties']) && !('additionalProperties' in schema) && !open && schema['type'] === 'object')
    schema['additionalProperties'] = false
  return schema
}

/** A schema for each kind, with the definitions that it refers to. */
const kubernetesSchemas = (swagger: { definitions: Record<string, Schema> }): [Gvk, Schema][] => {
  const definitions = Object.fromEntries(
    Object.entries(swagger.definitions).map(([name, schema]) => [name, strict(schema) as Schema]),
  )
  definitions['io.k8s.apimachinery.pkg.api.resource.Quantity'] = { type: ['string', 'number'] }
  const collectDefinitions = (schema: Json, found: Set<string>): Set<string> => {
    for (const [, name = ''] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      if (found.has(name)) continue
      found.add(name)
      collectDefinitions(definitions[name] ?? {}, found)
    }
    return found
  }
  return Object.values(definitions).flatMap((schema) =>
    ((schema['x-kubernetes-group-version-kind'] ?? []) as Gvk[]).map((gvk): [Gvk, Schema] => {
      const used = [...collectDefinitions(schema, new Set())].map((name) => [name, definitions[name] ?? {}])
      return [gvk, { ...schema, definitions: Object.fromEntries(used) as Schema }]
    }),
  )
}

type Crd = {
  kind: string
  spec: { group: string; names: { kind: string }; versions: { name: string; schema: { openAPIV3Schema: Schema } }[] }
}

const crdSchemas = (file: string): [Gvk, Schema][] =>
  parseAllDocuments(readFileSync(file, 'utf8'))
    .map((document) => document.toJS() as Crd | null)
    .filter((crd): crd is Crd => crd?.kind === 'CustomResourceDefinition')
    .flatMap(({ spec }) =>
      spec.versions.map(({ name, schema }): [Gvk, Schema] => {
        const closed = strict(schema.openAPIV3Schema) as Schema
        const common = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } }
        const properties = { ...(closed['properties'] as Schema), ...common }
        return [
          { group: spec.group, version: name, kind: spec.names.kind },
          { ...closed, properties },
        ]
      }),
    )

const yamlFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join(folder, name))

/** The file name of a schema. `schemaLocation` is the same as a template of kubeconform, which takes `v1` as a group. */
const fileName = ({ group, version, kind }: Gvk): string => `${kind.toLowerCase()}-${group || version}-${version}.json`

/**
 * Prepares a folder of JSON schemas for kubeconform. Those of Kubernetes come from its OpenAPI document, the others from the
 * CRDs in Go modules, and from the folder `CHART_CRDS` if it is set (for operators whose modules contain no CRDs).
 */
export const schemaFolder = async (crds = process.env['CHART_CRDS']): Promise<string> => {
  const stamp = Object.values(modules)
    .join('+')
    .replace(/[^\w.@+-]/g, '_')
  const folder = join(cacheFolder(), 'chart-schemas')
  const done = join(folder, `${stamp}.done`)
  if (!existsSync(done)) {
    const partial = `${folder}.${process.pid}`
    mkdirSync(partial, { recursive: true })
    const write = ([gvk, schema]: [Gvk, Schema]) => writeFileSync(join(partial, fileName(gvk)), JSON.stringify(schema))
    const swagger = join(await moduleFolder(modules.kubernetes), 'api/openapi-spec/swagger.json')
    kubernetesSchemas(JSON.parse(readFileSync(swagger, 'utf8'))).forEach(write)
    const monitoring = join(await moduleFolder(modules['prometheus-operator']), 'example/prometheus-operator-crd')
    const gateway = join(await moduleFolder(modules['gateway-api']), 'config/crd/standard')
    const certManager = join(await moduleFolder(modules['cert-manager']), 'deploy/crds')
    for (const file of [monitoring, gateway, certManager].flatMap(yamlFiles)) crdSchemas(file).forEach(write)
    writeFileSync(join(partial, `${stamp}.done`), '')
    rmSync(folder, { recursive: true, force: true })
    renameSync(partial, folder)
  }
  if (crds) {
    for (const file of yamlFiles(crds))
      for (const [gvk, schema] of crdSchemas(file)) writeFileSync(join(folder, fileName(gvk)), JSON.stringify(schema))
  }
  return folder
}

/** Whether the folder has a schema for `apiVersion` and `kind`. */
export const hasSchema = (folder: string, apiVersion: string, kind: string): boolean => {
  const [version = '', group = ''] = apiVersion.split('/').toReversed()
  return existsSync(join(folder, fileName({ group, version, kind })))
}

export const schemaLocation = (folder: string): string =>
  `${folder}/{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json`
