import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import type { Source } from '../keycloak/events.ts'

/** A row of `keycloak_events`: one that was handled, kept a little longer than the overlap in which it is read again. */
class KeycloakEventModel extends Model<
  InferAttributes<KeycloakEventModel>,
  InferCreationAttributes<KeycloakEventModel>
> {
  declare id: string
  declare source: Source
  /** Milliseconds since 1970. */
  declare occurredAt: number
}
export type KeycloakEvents = ModelStatic<KeycloakEventModel>

const { BIGINT, TEXT } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineKeycloakEvents = (sequelize: Sequelize): KeycloakEvents => {
  class ConnectedKeycloakEvent extends KeycloakEventModel {}
  return ConnectedKeycloakEvent.init(
    {
      id: { type: TEXT, primaryKey: true },
      source: required(TEXT),
      occurredAt: required(BIGINT),
    },
    { sequelize, modelName: 'keycloakEvent', tableName: 'keycloak_events' },
  )
}
