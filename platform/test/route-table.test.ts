import { createRouteTable } from '../src/http/router.ts'

const table = createRouteTable<string>()
table.add('GET', '/v1/things', 'list')
table.add('POST', '/v1/things/batch', 'batch')
table.add('GET', '/v1/things/{id}', 'get')
table.add('PUT', '/v1/things/{thing}/tags/{tag}', 'tag')

it.each([
  ['GET', '/v1/things', 'list', {}],
  ['GET', '/v1/things/?q=/x', 'list', {}],
  ['GET', '/v1/things/1', 'get', { id: '1' }],
  ['GET', '/v1/things/1/', 'get', { id: '1' }],
  ['GET', '/v1/things/a%2Fb%20c', 'get', { id: 'a/b c' }],
  ['POST', '/v1/things/batch', 'batch', {}],
  ['GET', '/v1/things/batch', 'get', { id: 'batch' }],
  ['PUT', '/v1/things/1/tags/__proto__', 'tag', { thing: '1', tag: '__proto__' }],
])('%s %s is %s', (method, url, route, params) => {
  const found = table.match(method, url)
  expect(found?.route).toBe(route)
  expect(found?.params).toEqual(params)
})

it.each([
  ['POST', '/v1/things'],
  ['HEAD', '/v1/things'],
  ['GET', '/v1'],
  ['GET', '/v1//things'],
  ['GET', '/V1/things'],
  ['GET', '/v1/things/1/more'],
  ['PUT', '/v1/things//tags/x'],
  ['GET', '/v1/things/%zz'],
  ['GET', '//v1/things'],
  ['GET', 'http://elsewhere/v1/things'],
  ['OPTIONS', '*'],
  ['GET', '/'],
])('%s %s is nothing that was declared', (method, url) => expect(table.match(method, url)).toBeUndefined())
