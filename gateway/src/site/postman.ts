import { createHash } from 'node:crypto'
import { type Contract, type Operation, type Route, routesByTag } from './contract-view.ts'

type Json = Record<string, unknown>
type Parameter = NonNullable<Operation['parameters']>[number]

// So that an import replaces the collection of an earlier one.
const idOf = (text: string): string =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')

const described = (description: string | undefined): Json => (description === undefined ? {} : { description })

const exampleText = ({ example, schema }: Parameter): string => {
  const value = example ?? schema?.examples?.[0] ?? schema?.enum?.[0] ?? ''
  return Array.isArray(value) ? value.join(',') : String(value)
}

/** The variable with the id of a resource: `/v1/product-imports/{id}` → `productImportId`. */
const idVariable = (path: string): string =>
  `${(path.split('/')[2] ?? '').replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase()).replace(/s$/, '')}Id`

const isId = ({ name }: Parameter): boolean => name === 'id' || name === 'key'

/** The address of an operation. Query parameters are switched off: each narrows a list, and all together find nothing. */
const urlOf = ({ path, parameters = [] }: Route): Json => {
  const postmanPath = path.replace(/\{(\w+)\}/g, ':$1').slice(1)
  return {
    raw: `{{baseUrl}}/${postmanPath}`,
    host: ['{{baseUrl}}'],
    path: postmanPath.split('/'),
    query: parameters
      .filter((parameter) => parameter.in === 'query')
      .map((parameter) => ({
        key: parameter.name,
        value: exampleText(parameter),
        disabled: parameter.required !== true,
        ...described(parameter.description),
      })),
    variable: parameters
      .filter((parameter) => parameter.in === 'path')
      .map((parameter) => ({
        key: parameter.name,
        value: isId(parameter) ? `{{${idVariable(path)}}}` : exampleText(parameter),
        ...described(parameter.description),
      })),
  }
}

const formField = ([key, value]: [string, unknown]): Json =>
  key === 'file' || key === 'photo'
    ? { key, type: 'file', src: [] }
    : { key, type: 'text', value: typeof value === 'object' ? JSON.stringify(value) : String(value) }

/** The body of an operation: JSON if it takes JSON, otherwise a form or a file. */
const bodyOf = ({ requestBody }: Route): { body?: Json; contentType?: string } => {
  const content = requestBody?.content ?? {}
  const json = content['application/json']
  if (json)
    return {
      body: {
        mode: 'raw',
        raw: JSON.stringify(json.example ?? {}, undefined, 2),
        options: { raw: { language: 'json' } },
      },
      contentType: 'application/json',
    }
  const form = content['multipart/form-data']
  if (form) return { body: { mode: 'formdata', formdata: Object.entries(form.example ?? { file: '' }).map(formField) } }
  const [type] = Object.keys(content)
  return type === undefined ? {} : { body: { mode: 'file', file: {} }, contentType: type }
}

const headersOf = ({ parameters = [] }: Route, contentType: string | undefined): Json[] => [
  ...(contentType === undefined ? [] : [{ key: 'Content-Type', value: contentType }]),
  ...parameters
    .filter((parameter) => parameter.in === 'header')
    .map(({ name, description }) => ({
      key: name,
      // Postman makes a new value for each request.
      value: name === 'Idempotency-Key' ? '{{$guid}}' : '',
      disabled: name !== 'Idempotency-Key',
      ...described(description),
    })),
]

const keepTokens = [
  'if (pm.response.code === 200) {',
  '  const { accessToken, refreshToken } = pm.response.json()',
  "  pm.collectionVariables.set('accessToken', accessToken)",
  "  pm.collectionVariables.set('refreshToken', refreshToken)",
  '}',
]
/** Scripts that keep what later requests need. */
const scripts: Record<string, string[]> = { signIn: keepTokens, refreshTokens: keepTokens }

/** Keeps the id of what was created, also of a job: by the last two parts of `Location`, in the variable of {@link idVariable}. */
const keepId = [
  "const [, kind, id] = /^\\/v1\\/([a-z-]+)\\/([^/]+)$/.exec(pm.response.headers.get('Location') || '') || []",
  "const name = (kind || '').replace(/-(.)/g, (_match, letter) => letter.toUpperCase()).replace(/s$/, '') + 'Id'",
  'if (id) pm.collectionVariables.set(name, id)',
]

/** Bodies whose values are variables of the collection. */
const variableBodies: Record<string, Json> = {
  signIn: { username: '{{username}}', password: '{{password}}' },
  refreshTokens: { refreshToken: '{{refreshToken}}' },
  signOut: { refreshToken: '{{refreshToken}}' },
}

const itemOf = (route: Route): Json => {
  const { body, contentType } = bodyOf(route)
  const ownBody = variableBodies[route.operationId]
  const script = scripts[route.operationId] ?? (route.method === 'POST' ? keepId : undefined)
  return {
    id: idOf(route.operationId),
    name: route.summary,
    request: {
      method: route.method,
      ...described(route.description),
      url: urlOf(route),
      header: headersOf(route, contentType),
      ...(body && { body: ownBody ? { ...body, raw: JSON.stringify(ownBody, undefined, 2) } : body }),
      ...(route.security?.length === 0 && { auth: { type: 'noauth' } }),
    },
    ...(script && { event: [{ listen: 'test', script: { type: 'text/javascript', exec: script } }] }),
    response: [],
  }
}

/**
 * Makes a Postman collection (v2.1) of the contract: a folder for each tag, the examples of the contract as bodies, and a sign-in
 * that keeps the tokens for the other requests.
 */
export const postmanCollection = (contract: Contract): Json => ({
  info: {
    _postman_id: idOf('Clientele'),
    name: 'Clientele',
    description: `${contract.info.description}\n\nSet \`username\` and \`password\`, and send **Sign-in / Sign in** first.`,
    schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
  },
  auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{accessToken}}', type: 'string' }] },
  variable: [
    { key: 'baseUrl', value: contract.servers[0]?.url ?? '' },
    { key: 'username', value: 'user' },
    { key: 'password', value: '' },
    { key: 'accessToken', value: '' },
    { key: 'refreshToken', value: '' },
    ...[
      ...new Set(
        Object.keys(contract.paths)
          .filter((path) => /\{(id|key)\}/.test(path))
          .map(idVariable),
      ),
    ].map((key) => ({
      key,
      value: '',
    })),
  ],
  item: routesByTag(contract).map(({ name, description, routes }) => ({
    id: idOf(name),
    name,
    description,
    item: routes.map(itemOf),
  })),
})
