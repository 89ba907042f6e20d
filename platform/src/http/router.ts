/** What a request was for: the declared route and the parameters of its path, decoded. */
export type Matched<R> = { route: R; params: Record<string, string> }

type Node<R> = {
  literals: Map<string, Node<R>>
  parameter?: Node<R>
  routes: Map<string, { route: R; names: string[] }>
}

const node = <R>(): Node<R> => ({ literals: new Map(), routes: new Map() })

const decoded = (segment: string): string | undefined => {
  try {
    return segment.includes('%') ? decodeURIComponent(segment) : segment
  } catch {
    return undefined
  }
}

/**
 * Finds declared routes by method and path, such as `/v1/customers/{key}`. Literal segments win over parameters, a trailing
 * slash changes nothing, and a parameter is never empty.
 */
export const createRouteTable = <R>() => {
  const root = node<R>()

  const find = (at: Node<R>, method: string, segments: string[], depth: number): Matched<R> | undefined => {
    const segment = segments[depth]
    if (segment === undefined) {
      const found = at.routes.get(method)
      if (!found) return undefined
      const params: Record<string, string> = {}
      for (const [index, name] of found.names.entries()) {
        const value = decoded(segments[index] ?? '')
        if (value === undefined) return undefined
        if (name !== '') params[name] = value
      }
      return { route: found.route, params }
    }
    const literal = at.literals.get(segment)
    const found = literal && find(literal, method, segments, depth + 1)
    if (found || segment === '' || !at.parameter) return found
    return find(at.parameter, method, segments, depth + 1)
  }

  return {
    add: (method: string, path: string, route: R): void => {
      let at = root
      const names: string[] = []
      for (const segment of path.slice(1).split('/')) {
        const name = /^\{(\w+)\}$/.exec(segment)?.[1]
        names.push(name ?? '')
        const next = (name === undefined ? at.literals.get(segment) : at.parameter) ?? node<R>()
        if (name === undefined) at.literals.set(segment, next)
        else at.parameter = next
        at = next
      }
      at.routes.set(method, { route, names })
    },

    /** Undefined also for a path that cannot be decoded. */
    match: (method: string, url: string): Matched<R> | undefined => {
      const end = url.indexOf('?')
      const path = end === -1 ? url : url.slice(0, end)
      if (!path.startsWith('/')) return undefined
      return find(root, method, path.slice(1, path.endsWith('/') && path.length > 1 ? -1 : undefined).split('/'), 0)
    },
  }
}
