import { createRouteIndex, type PathsDocument } from '../src/proxy/route-index.ts'

const document: PathsDocument = {
  paths: {
    '/v1/users': { get: {}, post: { security: [] } },
    '/v1/users/me': { get: {}, patch: {} },
    '/v1/users/{id}': { get: {}, put: {}, delete: {} },
    '/v1/users/{id}/roles/{role}': { put: {} },
    '/v1/users/me/photo': { put: {} },
    '/v1/users:batch': { post: {} },
    '/v1/sessions': { post: { security: [] } },
  },
}
const find = createRouteIndex([{ service: 'user-service', document }])
const templateOf = (method: string, path: string): string | undefined => {
  const found = find(method, path)
  return found && 'route' in found ? found.route.template : undefined
}

describe('createRouteIndex', () => {
  it.each([
    ['GET', '/v1/users/me', '/v1/users/me'],
    ['HEAD', '/v1/users/me', '/v1/users/me'],
    ['GET', '/v1/users/mel', '/v1/users/{id}'],
    ['DELETE', '/v1/users/me', '/v1/users/{id}'],
    ['PUT', '/v1/users/me/roles/admin', '/v1/users/{id}/roles/{role}'],
    ['POST', '/v1/users:batch', '/v1/users:batch'],
    ['GET', '/v1/users/a%25b%40c', '/v1/users/{id}'],
    ['GET', '/v1/Users/me', undefined],
    ['GET', '/v1/users/me/', undefined],
    ['GET', '/v1/%75sers', undefined],
    ['GET', '/v1/users/%6De', '/v1/users/{id}'],
    ['PROPFIND', '/v1/users', undefined],
  ])('the route of %s %s is %s', (method, path, template) => {
    expect(templateOf(method, path)).toBe(template)
  })

  it('a path parameter may have any length', () => {
    expect(templateOf('GET', `/v1/users/${'x'.repeat(5_000)}`)).toBe('/v1/users/{id}')
  })

  it('only the methods of the most specific route are allowed methods', () => {
    expect(find('POST', '/v1/users/me')).toEqual({ allow: ['GET', 'HEAD', 'PATCH'], public: false })
    expect(find('POST', '/v1/users/x')).toEqual({ allow: ['DELETE', 'GET', 'HEAD', 'PUT'], public: false })
    expect(find('PATCH', '/v1/users')).toEqual({ allow: ['GET', 'HEAD', 'POST'], public: false })
    expect(find('GET', '/v1/sessions')).toEqual({ allow: ['POST'], public: true })
    expect(find('GET', '/v1/nothing')).toBeUndefined()
  })

  it('a path below the record of another service is routed by its own template', () => {
    const activity: PathsDocument = {
      paths: { '/v1/users/{id}/timeline': { get: {} }, '/v1/users/me/news': { get: {} } },
    }
    const findService = createRouteIndex([
      { service: 'user-service', document },
      { service: 'activity-service', document: activity },
    ])
    const serviceOf = (path: string) => {
      const found = findService('GET', path)
      return found && 'route' in found ? found.route.service : undefined
    }
    expect(serviceOf('/v1/users/7/timeline')).toBe('activity-service')
    expect(serviceOf('/v1/users/me/timeline')).toBe('activity-service')
    expect(serviceOf('/v1/users/me/news')).toBe('activity-service')
    expect(serviceOf('/v1/users/7')).toBe('user-service')
    expect(findService('PATCH', '/v1/users/7/timeline')).toEqual({ allow: ['GET', 'HEAD'], public: false })
  })

  it('an operation that two services declare, or a path outside of /v1, throws', () => {
    const other: PathsDocument = { paths: { '/v1/users/{key}': { get: {} } } }
    const services = [
      { service: 'user-service', document },
      { service: 'other-service', document: other },
    ]
    expect(() => createRouteIndex(services)).toThrow('already declared')
    const outside: PathsDocument = { paths: { '/users': { get: {} } } }
    expect(() => createRouteIndex([{ service: 'other-service', document: outside }])).toThrow('outside of /v1')
  })
})
