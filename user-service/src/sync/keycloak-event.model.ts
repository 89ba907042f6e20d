import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import type { LogName } from '../keycloak/event-logs.ts'

/** A row of `keycloak_events`: an event that was handled or given up. It is kept as long as polls may read the event again. */
class KeycloakEventModel extends Model<
  InferAttributes<KeycloakEventModel>,
  InferCreationAttributes<KeycloakEventModel>
> {
  declare id: string
  declare source: LogName
  /** Milliseconds since 1970. */
  declare occurredAt: number
  /** Why the event was given up; null for an event that was handled. */
  declare givenUpReason: CreationOptional<string | null>
}
export type KeycloakEvents = ModelStatic<KeycloakEventModel>

const { BIGINT, TEXT } = DataTypes

/** The model on one connection pool. */
export const defineKeycloakEvents = (sequelize: Sequelize): KeycloakEvents => {
  class ConnectedKeycloakEvent extends KeycloakEventModel {}
  return ConnectedKeycloakEvent.init(
    {
      id: primaryKey(TEXT),
      source: required(TEXT),
      occurredAt: required(BIGINT),
      givenUpReason: TEXT,
    },
    { sequelize, modelName: 'keycloakEvent', tableName: 'keycloak_events' },
  )
}
