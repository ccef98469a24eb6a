//! Signing in and out, profiles, private messages.

use super::super::ledger::{Action, Outcome};
use super::super::page::{forms, notice};
use super::super::session::md5_hex;
use super::super::state::PrivateMessage;
use super::{Answer, Stop, Visit, invalid, message};

/// Seconds between two private messages of one member.
const MAIL_GAP: i64 = 60;
const MAIL_LENGTH: usize = 5000;

const LOCKED: &str = "Wrong username or password. You have used up your failed login quota! Please wait 15 minutes before \
                      trying again. Don't forget that the password is case sensitive.";

impl Visit<'_> {
    pub(super) fn login(&mut self) -> Answer {
        match self.call.text("do") {
            "login" => self.sign_in(),
            "logout" => self.sign_out(),
            _ => Err(Stop::NoPermission),
        }
    }

    fn sign_in(&mut self) -> Answer {
        let address = self.call.address.clone();
        let name = self.call.text("vb_login_username").to_owned();
        let plain = self.call.text("vb_login_password");
        let md5 = self.call.text("vb_login_md5password");
        let utf = self.call.text("vb_login_md5password_utf");
        let locked = self.state.sessions.locked(&address, self.now);
        let member = self.state.member_named(&name).filter(|member| {
            let plain_fits = md5.is_empty() && member.credential.accepts(&md5_hex(plain));
            plain_fits || member.credential.accepts(md5) || member.credential.accepts(utf)
        });
        let member = match member {
            Some(member) if !locked => member,
            _ => {
                let strikes = self.state.sessions.strike(&address, self.now);
                self.become_guest();
                let text = if locked || strikes >= 5 {
                    LOCKED.to_owned()
                } else {
                    format!(
                        "You have entered an invalid username or password. Please enter the correct details and try \
                         again. You have used {strikes} out of 5 login attempts."
                    )
                };
                self.record(Action::SignIn, None, None, Outcome::Refused(text.clone()));
                return Err(Stop::Message(text));
            }
        };
        let (id, name, remember) = (member.id, member.name.clone(), member.credential.remember());
        self.state.sessions.forgive(&address);
        if let Some(member) = self.state.members.get_mut(&id) {
            member.last_visit = self.now;
        }
        let hash = self.state.sessions.open(id, &self.call.agent, self.now);
        // vBulletin clears the cookie before it sets it: a reader must take them in order.
        self.cookies.push("bb_sessionhash=deleted; path=/; Max-Age=0".to_owned());
        self.cookies.push(format!("bb_sessionhash={hash}; path=/; HttpOnly"));
        if self.call.is("cookieuser") {
            self.cookies.push(format!("bb_userid={id}; path=/; Max-Age=31536000; HttpOnly"));
            self.cookies.push(format!("bb_password={remember}; path=/; Max-Age=31536000; HttpOnly"));
        }
        self.viewer = Some(id);
        self.token = self.state.sessions.token(self.viewer, self.now);
        self.record(Action::SignIn, None, None, Outcome::Done);
        let base = self.forum.url();
        let wanted = self.call.text("url");
        let to = if wanted.starts_with(&base) { wanted.to_owned() } else { format!("{base}index.php") };
        Ok(self.page(&notice::redirect(self, "login", &format!("Thank you for logging in, {name}."), &to)))
    }

    fn sign_out(&mut self) -> Answer {
        let hash = self.call.get("logouthash");
        if self.state.sessions.check(hash, self.viewer, self.now).is_err() {
            return Err(message(
                "You have tried to log out but you have not used a link that was made for you. Please try again.",
            ));
        }
        if let Some(session) = self.call.cookies.get("bb_sessionhash") {
            self.state.sessions.close(session);
        }
        self.record(Action::SignOut, None, None, Outcome::Done);
        for name in ["bb_sessionhash", "bb_userid", "bb_password"] {
            self.cookies.push(format!("{name}=deleted; path=/; Max-Age=0"));
        }
        self.become_guest();
        Err(message("All cookies cleared!"))
    }

    pub(super) fn member_page(&self) -> Answer {
        let id =
            self.call.number("u").or_else(|| self.call.number("userid")).or_else(|| self.call.friendly_id());
        let named = self.call.path.strip_prefix("/members/").and_then(|rest| rest.strip_suffix(".html"));
        let by_name = named.and_then(|named| {
            self.state.members.values().find(|member| super::slug(&member.name).eq_ignore_ascii_case(named))
        });
        let asked = self.call.text("username");
        let by_name = by_name.or_else(|| self.state.member_named(asked));
        let member = id.and_then(|id| self.state.members.get(&id)).or(by_name).ok_or_else(|| {
            message("This user has not registered and therefore does not have a profile to view.")
        })?;
        Ok(self.page(&forms::member(self, member)))
    }

    pub(super) fn private(&mut self) -> Answer {
        let Some(me) = self.viewer else { return Err(Stop::NoPermission) };
        match self.call.text("do") {
            "insertpm" if self.call.post => self.send_mail(me),
            "newpm" => {
                let to = self.call.number("u").and_then(|id| self.state.members.get(&id));
                let to = to.map(|member| member.name.clone()).unwrap_or_default();
                Ok(self.mail_form(to, String::new(), String::new(), Vec::new()))
            }
            "showpm" => {
                let id = self.call.number("pmid").unwrap_or_default();
                let text = forms::private_message(self, id).ok_or_else(|| invalid("Private Message"))?;
                Ok(self.page(&text))
            }
            _ => Ok(self.page(&forms::inbox(self))),
        }
    }

    fn mail_form(&self, to: String, title: String, text: String, errors: Vec<String>) -> super::Reply {
        let form = forms::Form {
            script: "private",
            heading: "Send New Private Message",
            action: "private.php?do=insertpm".to_owned(),
            hidden: vec![("do", "insertpm".to_owned()), ("savecopy", "1".to_owned())],
            lines: vec![("recipients", to), ("title", title)],
            message: text,
            errors,
        };
        self.page(&forms::form(self, &form))
    }

    fn send_mail(&mut self, me: u64) -> Answer {
        let (to, title) = (self.call.text("recipients").to_owned(), self.call.text("title").to_owned());
        let text = self.call.text("message").to_owned();
        let mut errors = Vec::new();
        let names: Vec<&str> = to.split(';').map(str::trim).filter(|name| !name.is_empty()).collect();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for name in names {
            match self.state.member_named(name) {
                Some(member) => found.push(member.id),
                None => missing.push(name),
            }
        }
        if !missing.is_empty() {
            errors.push(format!("The following users were not found: {}", missing.join(", ")));
        } else if found.is_empty() || title.trim().is_empty() || text.trim().is_empty() {
            errors.push("You must complete all of the required fields.".to_owned());
        }
        for closed in found.iter().filter_map(|id| self.state.members.get(id)).filter(|it| it.no_mail) {
            errors.push(format!(
                "{} has chosen not to receive private messages or may not be allowed to receive private messages.",
                closed.name
            ));
        }
        let length = text.chars().count();
        if length > MAIL_LENGTH {
            errors.push(format!(
                "The text that you have entered is too long ({length} characters). Please shorten it to {MAIL_LENGTH} \
                 characters long."
            ));
        }
        let sent = self.state.members.get(&me).and_then(|member| member.mailed_at);
        let waited = sent.map_or(MAIL_GAP, |at| self.now.as_second() - at.as_second());
        if waited < MAIL_GAP && !self.state.is_staff(self.viewer) {
            errors.push(format!(
                "This forum requires that you wait {MAIL_GAP} seconds between sending private messages. Please try again \
                 in {} seconds.",
                MAIL_GAP - waited
            ));
        }
        if let Some(first) = errors.first() {
            self.record(Action::Mail, None, None, Outcome::Refused(first.clone()));
            return Ok(self.mail_form(to, title, text, errors));
        }
        for to in found {
            let id = self.state.fresh_id();
            let mail =
                PrivateMessage { id, from: me, to, title: title.clone(), text: text.clone(), at: self.now };
            self.state.mail.push(mail);
        }
        if let Some(member) = self.state.members.get_mut(&me) {
            member.mailed_at = Some(self.now);
        }
        self.record(Action::Mail, None, None, Outcome::Done);
        Ok(self.done("private", "Your private message has been sent.", "private.php", false))
    }
}
