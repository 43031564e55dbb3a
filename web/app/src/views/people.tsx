/** People: one's own id to give away, and those that one knows. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Button, Empty, Failure, Notice, Page, Panel, announce } from "../parts/basics.js";
import { Form, TextField } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { Copyable, Person, Qr } from "../parts/identity.js";
import { plainName } from "../state/files.js";
import { useAccount } from "../state/model.js";
import type { Contact } from "../state/notebook.js";
import { go, href } from "../state/route.js";
import { useStore } from "../state/store.js";
import { useWork } from "../state/work.js";
import { t } from "../texts/index.js";

const ID = /rid1[ac-hj-np-z02-9]{58}/;
const LONGEST = 60;

/** The link by which one is added: the name in it is a proposal. */
function ownLink(id: string, name: string): string {
  return `${location.origin}/${href("add", id, name)}`;
}

export function People({ add }: { add?: readonly string[] }): JSX.Element {
  const account = useAccount();
  const contacts = useStore(account.contacts);
  const [proposed, nickname] = add ?? [];
  return (
    <Page title={t.people.title}>
      <div class="columns">
        <OwnId />
        <AddPerson key={proposed ?? ""} proposed={proposed ?? ""} nickname={plainName(nickname ?? "").slice(0, LONGEST)} />
      </div>
      <Panel title={t.people.list}>
        {contacts.length === 0 ? <Empty icon="people">{t.people.empty}</Empty> : <ul class="list">{contacts.map((c) => <PersonItem key={c.id} contact={c} />)}</ul>}
      </Panel>
    </Page>
  );
}

function OwnId(): JSX.Element {
  const { session, id } = useAccount();
  const link = ownLink(id, session.identity.name);
  return (
    <Panel title={t.people.own} text={t.people.ownText} icon="person">
      <div class="own">
        <div class="own-words">
          <Copyable label={t.people.own} text={id} />
          <Copyable label={t.people.ownLink} text={link} short />
        </div>
        <Qr text={link} label={t.people.qr} />
      </div>
    </Panel>
  );
}

function AddPerson({ proposed, nickname }: { proposed: string; nickname: string }): JSX.Element {
  const account = useAccount();
  const [text, setText] = useState(proposed);
  const [name, setName] = useState(nickname);
  const [tried, setTried] = useState(false);
  const id = ID.exec(text)?.[0] ?? "";
  const wrong = {
    id: id === "" ? t.people.idBad : id === account.id ? t.people.idOwn : undefined,
    name: wrongName(account.contacts.get(), id, name),
  };
  const add = useWork(async ({ signal }) => {
    await account.session.lookUp(id, { signal });
    const called = plainName(name);
    await account.saveContact({ id, nickname: called, added: Date.now() });
    announce(t.people.added(called));
    setText("");
    setName("");
    setTried(false);
    go("people");
    return { id, called };
  });
  const submit = (): void => {
    setTried(true);
    if (wrong.id === undefined && wrong.name === undefined && !add.busy) void add.run();
  };
  return (
    <Panel title={t.people.add} text={t.people.addText} icon="plus">
      <Form label={t.people.add} onSubmit={submit}>
        <TextField label={t.people.id} value={text} mono wrong={tried ? wrong.id : undefined}
          onValue={(v) => { setText(v); const said = nameIn(v); if (name === "" && said !== "") setName(said); }} />
        <TextField label={t.people.nickname} value={name} onValue={setName} hint={t.people.nicknameHint} wrong={tried ? wrong.name : undefined} />
        <Failure error={add.error} />
        <div class="row"><Button kind="primary" type="submit" icon="plus" busy={add.busy}>{add.busy ? t.people.busy : t.people.go}</Button></div>
      </Form>
      {add.result !== undefined && (
        <Notice kind="good" title={t.people.added(add.result.called)}><a href={href("people", add.result.id)}>{t.people.safety}</a></Notice>
      )}
    </Panel>
  );
}

/** The name that a link proposes. */
function nameIn(text: string): string {
  const [, name = ""] = /#\/add\/rid1[a-z0-9]{58}\/([^/]+)$/.exec(text.trim()) ?? [];
  try {
    return plainName(decodeURIComponent(name)).slice(0, LONGEST);
  } catch {
    return "";
  }
}

export function wrongName(contacts: readonly Contact[], id: string, name: string): string | undefined {
  const called = plainName(name);
  if (called === "" || called.length > LONGEST) return t.people.nicknameBad;
  const other = contacts.find((c) => c.id !== id && c.nickname.toLowerCase() === called.toLowerCase());
  return other === undefined ? undefined : t.people.nicknameTaken;
}

function PersonItem({ contact }: { contact: Contact }): JSX.Element {
  return (
    <li class="item">
      <a class="item-link" href={href("people", contact.id)}>
        <Person id={contact.id} note={contact.compared === undefined ? t.people.notCompared : t.people.compared} />
        {contact.compared !== undefined && <span class="badge badge-good"><Icon name="shield" /></span>}
        <Icon name="next" />
      </a>
    </li>
  );
}

/** Waits for the address book, which is there a moment after unlocking. */
export function useContact(id: string): Contact | undefined {
  const contacts = useStore(useAccount().contacts);
  const contact = contacts.find((c) => c.id === id);
  useEffect(() => {
    if (contact === undefined) go("people");
  }, [contact]);
  return contact;
}
