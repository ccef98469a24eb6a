//! Scenarios, told as people would: what is written on one side is seen on the other, once, in order,
//! whatever breaks in between.

#[path = "../older/mod.rs"]
mod older;
#[path = "../openapi/mod.rs"]
mod openapi;
#[path = "../postgres/mod.rs"]
mod postgres;
mod world;

mod accounts;
mod audit;
mod bridges;
mod commands;
mod database;
mod described;
mod discourse;
mod disk;
mod engines;
mod faults;
mod feeds;
mod forum_side;
mod gateway;
mod lanes;
mod matrix;
mod members;
mod menus;
mod mutation;
mod opening;
mod overview;
mod push;
mod refused;
mod replies;
mod showing;
mod signing;
mod spec;
mod spec_nodebb;
mod starting;
mod thanks;
mod unsure;
mod upgrade;
