// Conversations and their pictures, kept in this browser; in memory where it keeps nothing.

const NAME = "dynaspark";
const STORES = ["conversations", "pictures"];

/** Open the browser's database; `lasting` says whether it will be there next time. */
export async function openStore() {
  try {
    return new Store(new Shelves(await openDatabase()), true);
  } catch {
    return new Store(new Memory(), false);
  }
}

class Store {
  #shelves;

  constructor(shelves, lasting) {
    this.#shelves = shelves;
    this.lasting = lasting;
  }

  /** All conversations, the one used last first. */
  async conversations() {
    const found = await this.#shelves.all("conversations");
    return found.sort((one, other) => other.updated - one.updated);
  }

  save(conversation) {
    return this.#shelves.put("conversations", conversation.id, conversation);
  }

  savePicture(id, blob) {
    return this.#shelves.put("pictures", id, blob);
  }

  picture(id) {
    return this.#shelves.get("pictures", id);
  }

  async remove(conversation) {
    await this.#shelves.remove("conversations", conversation.id);
    for (const turn of conversation.turns) {
      for (const { id } of turn.pictures ?? []) await this.#shelves.remove("pictures", id);
    }
  }
}

class Shelves {
  #database;

  constructor(database) {
    this.#database = database;
  }

  all(store) {
    return settled(this.#objects(store, "readonly").getAll());
  }

  get(store, key) {
    return settled(this.#objects(store, "readonly").get(key));
  }

  put(store, key, value) {
    return settled(this.#objects(store, "readwrite").put(value, key));
  }

  remove(store, key) {
    return settled(this.#objects(store, "readwrite").delete(key));
  }

  #objects(store, mode) {
    return this.#database.transaction(store, mode).objectStore(store);
  }
}

class Memory {
  #stores = Object.fromEntries(STORES.map((store) => [store, new Map()]));

  async all(store) {
    return [...this.#stores[store].values()];
  }

  async get(store, key) {
    return this.#stores[store].get(key);
  }

  async put(store, key, value) {
    this.#stores[store].set(key, value);
  }

  async remove(store, key) {
    this.#stores[store].delete(key);
  }
}

function openDatabase() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    for (const store of STORES) request.result.createObjectStore(store);
  };
  return settled(request);
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
