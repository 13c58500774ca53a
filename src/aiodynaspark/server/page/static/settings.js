// Small things that are remembered: for good, or (the key and a draft) as long as the tab lives.

const PREFIX = "dynaspark.";

function shelf(storage) {
  return {
    get(name) {
      try {
        return storage().getItem(PREFIX + name) ?? "";
      } catch {
        return "";
      }
    },
    set(name, value) {
      try {
        if (value) storage().setItem(PREFIX + name, value);
        else storage().removeItem(PREFIX + name);
      } catch {
        // Storage is full or switched off: it is forgotten with the page.
      }
    },
  };
}

export const lasting = shelf(() => localStorage);
export const ofThisTab = shelf(() => sessionStorage);
