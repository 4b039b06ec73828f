// @peculiar/x509 finds its parts with a container that wants `Reflect.getMetadata` and its siblings, a proposal that
// engines do not have. The container registers its parts by name and needs no more than a place to keep what decorators
// say, which is what this file is. Import it before @peculiar/x509.

type Key = string | symbol;

const metadata = new WeakMap<object, Map<Key, unknown>>();

const extensions = {
  defineMetadata(key: Key, value: unknown, target: object): void {
    const values = metadata.get(target) ?? new Map<Key, unknown>();
    metadata.set(target, values.set(key, value));
  },
  getOwnMetadata(key: Key, target: object): unknown {
    return metadata.get(target)?.get(key);
  },
  getMetadata(key: Key, target: object): unknown {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
      const value = metadata.get(at)?.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  },
  metadata(key: Key, value: unknown): (target: object) => void {
    return target => extensions.defineMetadata(key, value, target);
  },
};

if (!('getMetadata' in Reflect)) Object.assign(Reflect, extensions);
