import type { z } from 'zod'
import { type Filter, FilterError, type JsonSchema } from './filters.ts'
import { text } from './text-filter.ts'

/** The schema of one of the values: a reference if `values` has a name in OpenAPI. */
export const schemaOf = (values: z.ZodEnum): JsonSchema => {
  const id = values.meta()?.id
  return id === undefined ? { type: 'string', enum: values.options } : { $ref: `#/components/schemas/${id}` }
}

/** Creates a function that returns its argument if it is one of the values. @throws FilterError */
export const readWith = (values: z.ZodEnum) => (value: string) => {
  if (!values.safeParse(value).success) throw new FilterError(`must be ${values.options.join(', ')}`)
  return value
}

/** A filter on a text column with a fixed set of values. Any other value is an error. */
export const oneOf = (values: z.ZodEnum): Filter => ({
  ...text({ normalise: readWith(values) }),
  operators: ['eq', 'ne'],
  description: `One of ${values.options.map((value) => `\`${value}\``).join(', ')}`,
  value: schemaOf(values),
  hasSeveral: true,
})
