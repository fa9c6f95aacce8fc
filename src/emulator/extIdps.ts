import type { ExtIdpDetailDto } from '../genauth/api';
import { createId } from './ids';
import type { SeedExtIdp } from './seed';

/** The identity sources of a pool, with their connections. */
export class ExtIdps {
  readonly #byId = new Map<string, ExtIdpDetailDto>();

  list(): ExtIdpDetailDto[] {
    return [...this.#byId.values()];
  }

  get(id: string): ExtIdpDetailDto | undefined {
    return this.#byId.get(id);
  }

  /** @throws {RangeError} The id is taken. */
  add({ id = createId(), name, type, logo: ownLogo, connections = [{ identifier: `my-${type}` }] }: SeedExtIdp): void {
    if (this.#byId.has(id)) throw new RangeError(`identity source ${id} exists`);
    const logo = ownLogo ?? `https://files.example.com/${type}.svg`;
    this.#byId.set(id, {
      id,
      name,
      logo,
      type,
      autoJoin: true,
      connections: connections.map((connection) => ({
        type,
        displayName: name,
        ...connection,
        id: connection.id ?? createId(),
        extIdpId: id,
        logo,
        loginOnly: false,
        associationMode: 'none',
        challengeBindingMethods: [],
      })),
    });
  }

  delete(id: string): boolean {
    return this.#byId.delete(id);
  }
}
