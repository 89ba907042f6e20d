import type { EventType } from '@clientele/contracts/event'
import { type Api, type ApiOptions, createApi } from '../http/api.ts'
import type { OpenApiDocument } from '../http/openapi.ts'

/** What a service promises to others: its routes and events. Every service exports one from `src/contract.ts`. */
export type ServiceContract = {
  service: string
  title: string
  document: () => OpenApiDocument
  publishes: EventType[]
  consumes: EventType[]
}

/** The OpenAPI document of routes that are declared without anything behind them. */
export const documentOf = (
  options: Pick<ApiOptions, 'service' | 'title'>,
  declare: (api: Api) => void,
): OpenApiDocument => {
  const never = new Proxy(
    {},
    { get: (_target, name) => () => Promise.reject(new Error(`${String(name)} is not there`)) },
  )
  const api = createApi({
    ...options,
    verifier: never as ApiOptions['verifier'],
    log: never as ApiOptions['log'],
    config: { maxBodyBytes: 1_000_000 },
  })
  declare(api)
  return api.document()
}
